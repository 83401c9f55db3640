import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { FlatHeaders } from '../headers.ts';

/** The fields by which a message asks this hop for its upgrade, or agrees to it. */
export function upgradeFields({ headers }: IncomingMessage): FlatHeaders {
  return ['connection', 'upgrade', 'upgrade', headers.upgrade ?? ''];
}

/** Those of a response that does not agree. A 426 says which protocols there are (RFC 9110, 15.5.22). */
export function refusalFields({ statusCode, headers }: IncomingMessage): FlatHeaders {
  return statusCode === 426 && headers.upgrade
    ? ['connection', 'upgrade, close', 'upgrade', headers.upgrade]
    : ['connection', 'close'];
}

/** Writes the head of an instance's response on a connection that node:http has released. */
export function writeHead(socket: Socket, response: IncomingMessage, headers: FlatHeaders): void {
  let lines = `HTTP/1.1 ${response.statusCode} ${response.statusMessage ?? ''}\r\n`;
  for (let i = 0; i < headers.length; i += 2) lines += `${headers[i]}: ${headers[i + 1]}\r\n`;
  socket.write(`${lines}\r\n`, 'latin1');
}
