import type { Rejection } from '../shared/rejections.ts';

const HTML = ['content-type', 'text/html; charset=UTF-8'];
/** RFC 6750, 3; the words are Cloud Run's. */
const INVALID_TOKEN = [
  'www-authenticate',
  'Bearer error="invalid_token" error_description="The access token could not be verified"',
];
const LONGEST_PATH = 2048;
const ESCAPES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** The token's issuer is known, but none of its keys; another attempt may succeed. */
export const NO_KEYS: Rejection = {
  reason: 'no_keys',
  message: 'The keys of the token’s issuer are not known yet.',
  fields: ['retry-after', '1'],
};

/** The same while they are being fetched for the first time: the request waits ({@link HeldRequests}). */
export const KEYS_PENDING: Rejection = { ...NO_KEYS };

/** A token that is not valid for the service: 401 as Cloud Run sends it. @param why for whoever looks for the mistake. */
export function unauthenticated(path: string, why: string): Rejection {
  const what = `Your client does not have permission to the requested URL <code>${shown(path)}</code>.`;
  return {
    reason: 'unauthenticated',
    message: page('401 Unauthorized', 'Unauthorized', what, why),
    fields: [...HTML, ...INVALID_TOKEN],
  };
}

/** No token, or that of someone who is no member: 403 as Cloud Run sends it. */
export function forbidden(path: string): Rejection {
  const what = `Your client does not have permission to get URL <code>${shown(path)}</code> from this server.`;
  return { reason: 'forbidden', message: page('403 Forbidden', 'Forbidden', what, ''), fields: HTML };
}

function page(title: string, error: string, what: string, why: string): string {
  return [
    '',
    '<html><head>',
    '<meta http-equiv="content-type" content="text/html;charset=utf-8">',
    `<title>${title}</title>`,
    '</head>',
    '<body text=#000000 bgcolor=#ffffff>',
    `<h1>Error: ${error}</h1>`,
    `<h2>${what}</h2>`,
    `<h2>${why}</h2>`,
    '</body></html>',
  ].join('\n');
}

/** The path without its query, which may be secret. */
function shown(path: string): string {
  const end = path.indexOf('?');
  const plain = end < 0 ? path : path.slice(0, end);
  return plain.slice(0, LONGEST_PATH).replace(/[&<>"']/g, (char) => ESCAPES[char] as string);
}
