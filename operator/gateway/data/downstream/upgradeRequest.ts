import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

/** Protocols that an HTTP/1.1 connection without TLS cannot switch to; many clients ask for them with every request. */
const NOT_HERE = /^(?:h2c?|tls|http)(?:\/|$|,)/i;

/**
 * Whether what a request wants to upgrade to may be passed to an instance. Otherwise it is served as if it had not
 * asked, which RFC 9110, 7.8 allows; so is one with a body, which a protocol switch would leave unread.
 */
export function isUpgrade({ method, headers, httpVersionMinor }: IncomingMessage): boolean {
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  return (
    method !== 'HEAD' && !hasBody && httpVersionMinor > 0 && !NOT_HERE.test(headers.upgrade?.trim() ?? '')
  );
}

/**
 * Puts a request back on its connection without its Upgrade field, to be read again: Node's parser stops behind any
 * request that has one, and what follows it would be lost.
 * @param rest what has been read behind the request.
 */
export function unreadUpgrade(request: IncomingMessage, socket: Socket, rest: Buffer): void {
  const { method, url, httpVersion, rawHeaders } = request;
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.toLowerCase() !== 'upgrade') text += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`;
  }
  socket.unshift(Buffer.concat([Buffer.from(`${text}\r\n`, 'latin1'), rest]));
}
