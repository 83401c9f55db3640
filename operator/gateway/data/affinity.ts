import { AFFINITY_COOKIE, AFFINITY_SECONDS, INSTANCE_CHARS, REVISION_CHARS } from '../shared/affinity.ts';
import { headerValue, type RequestHead } from './headers.ts';
import { type ResponseHead, without } from './responseHead.ts';
import type { Instance } from './upstream/instance.ts';

const PREFIX = `${AFFINITY_COOKIE}=`;
const COOKIE_CHARS = REVISION_CHARS + INSTANCE_CHARS;
const SEMICOLON = 0x3b;
const SPACE = 0x20;
const TAB = 0x09;

/**
 * The first value of the affinity cookie that has the length of one; undefined when there is none. It may be
 * anything: whoever gets it compares it with the cookies of instances (RFC 6265, 5.4).
 */
export function affinityCookie(headers: readonly string[]): string | undefined {
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    if (name.length !== 6 || name.toLowerCase() !== 'cookie') continue;
    const found = cookieIn(headers[i + 1] as string);
    if (found !== undefined) return found;
  }
  return undefined;
}

function cookieIn(text: string): string | undefined {
  for (let at = text.indexOf(PREFIX); at >= 0; at = text.indexOf(PREFIX, at + PREFIX.length)) {
    const value = at + PREFIX.length;
    const end = value + COOKIE_CHARS;
    if (end > text.length) return undefined;
    const begins = at === 0 || isSeparator(text.charCodeAt(at - 1));
    if (begins && (end === text.length || isSeparator(text.charCodeAt(end)))) return text.slice(value, end);
  }
  return undefined;
}

function isSeparator(code: number): boolean {
  return code === SEMICOLON || code === SPACE || code === TAB;
}

/**
 * Binds a client to the instance that responds to it, unless it is already; nothing where the revision has no session
 * affinity. A cache that several clients share must not keep the response then (container contract, Response caching and
 * cookies).
 */
export function bindClient(response: ResponseHead, request: RequestHead, { cookie }: Instance): void {
  if (cookie === undefined || cookie === request.affinity) return;
  const cacheable = !UNSHARED.test(headerValue(response.headers, 'cache-control') ?? '');
  if (cacheable) {
    response.headers = without(response.headers, (name) => name === 'cache-control');
    response.headers.push('cache-control', 'private');
  }
  const secure = headerValue(request.headers, 'x-forwarded-proto') === 'https' ? '; Secure' : '';
  response.headers.push('set-cookie', `${PREFIX}${cookie}${ATTRIBUTES}${secure}`);
}

const UNSHARED = /(?:^|[\s,])(?:private|no-store)(?:$|[\s,])/i;
const ATTRIBUTES = `; Max-Age=${AFFINITY_SECONDS}; Path=/; HttpOnly`;
