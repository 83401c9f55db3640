import type { Socket } from 'node:net';
import { STATUS_CODES } from '../../probe/builtins.ts';

const ignore = (): void => {};

/**
 * Answers with one line of text on a connection that is not node:http's any more, and closes it. Its peer may be gone
 * already, which is no error of ours.
 */
export function refuseSocket(socket: Socket, status: number, message: string): void {
  socket.on('error', ignore);
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const body = `${message}\n`;
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: text/plain; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    () => socket.destroySoon(),
  );
  // What still comes is dropped, so that the client reads the answer and not a reset.
  socket.resume();
}
