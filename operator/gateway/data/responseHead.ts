import { type FlatHeaders, namedByConnection } from './headers.ts';

/** An instance's response headers as the client gets them. */
export interface ResponseHead {
  headers: FlatHeaders;
  /** The length that the instance announced, 0 for a response without a body; -1 when none. */
  contentLength: number;
  /** The instance announces trailers, which not every client can receive (RFC 9110, 6.6.2). */
  announcesTrailers: boolean;
  /** Trailers can follow. */
  mayHaveTrailers: boolean;
}

/**
 * Removes hop-by-hop headers. A response that sets a cookie may be cached by the client alone
 * (container contract, Response caching and cookies).
 * @param raw names and values as the instance sent them.
 */
export function responseHead(raw: readonly string[]): ResponseHead {
  let headers: FlatHeaders = [];
  let length: string | undefined;
  let announcesTrailers = false;
  let setsCookie = false;
  let connection: string | undefined;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string;
    const value = raw[i + 1] as string;
    switch (name.length) {
      case 2:
        if (name.toLowerCase() === 'te') continue;
        break;
      case 6:
        // It is for requests (RFC 9110, 10.1.1); Node would send the head at once, and in another encoding.
        if (name.toLowerCase() === 'expect') continue;
        break;
      case 7: {
        const lower = name.toLowerCase();
        if (lower === 'upgrade') continue;
        if (lower === 'trailer') announcesTrailers = true;
        break;
      }
      case 10: {
        const lower = name.toLowerCase();
        if (lower === 'keep-alive') continue;
        if (lower === 'connection') {
          connection = connection === undefined ? value : `${connection},${value}`;
          continue;
        }
        if (lower === 'set-cookie') setsCookie = true;
        break;
      }
      case 14: {
        const lower = name.toLowerCase();
        if (lower === 'http2-settings') continue;
        if (lower === 'content-length') {
          length = value;
          continue;
        }
        break;
      }
      case 16:
        if (name.toLowerCase() === 'proxy-connection') continue;
        break;
      case 17:
        if (name.toLowerCase() === 'transfer-encoding') continue;
        break;
    }
    headers.push(name, value);
  }
  const named = namedByConnection(connection);
  if (named) headers = without(headers, (name) => named.has(name));
  if (setsCookie) {
    headers = without(headers, (name) => name === 'cache-control');
    headers.push('cache-control', 'private');
  }
  // It is added last: Node encodes Content-Disposition in another way once it has seen a length, and fails on UTF-8 then.
  if (length !== undefined) headers.push('content-length', length);
  const contentLength = length === undefined ? -1 : Number(length);
  return { headers, contentLength, announcesTrailers, mayHaveTrailers: contentLength < 0 };
}

/** The headers of these without the ones whose (lower case) name is unwanted. */
export function without(headers: FlatHeaders, unwanted: (name: string) => boolean): FlatHeaders {
  const kept: FlatHeaders = [];
  for (let i = 0; i < headers.length; i += 2) {
    if (!unwanted((headers[i] as string).toLowerCase()))
      kept.push(headers[i] as string, headers[i + 1] as string);
  }
  return kept;
}

/** Fields for framing, routing, caching or authentication, which are valid in a head only (RFC 9110, 6.5.1). */
const NOT_IN_TRAILERS = new Set([
  'age',
  'authorization',
  'cache-control',
  'connection',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'expires',
  'host',
  'http2-settings',
  'keep-alive',
  'location',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'set-cookie',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'vary',
  'www-authenticate',
]);

/** The trailers that may be passed on; undefined when none is left. */
export function trailerFields(trailers: FlatHeaders | undefined): FlatHeaders | undefined {
  if (!trailers) return undefined;
  const kept = without(trailers, (name) => NOT_IN_TRAILERS.has(name) || name.startsWith(':'));
  return kept.length > 0 ? kept : undefined;
}
