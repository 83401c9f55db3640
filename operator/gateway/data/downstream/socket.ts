import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { STATUS_CODES } from '../../../builtins.ts';

const ignore = (): void => {};

/**
 * Responds with a message on a connection that node:http has released, and closes it. It is one line of text where the
 * fields do not say otherwise. Its peer may be gone already, which is not an error.
 * @param message an empty one is a response without a body.
 * @param toHead whether it responds to HEAD, which has no body.
 * @param fields further ones of the response, names and values in turn.
 */
export function rejectSocket(
  socket: Socket,
  status: number,
  message: string,
  toHead = false,
  fields: readonly string[] = [],
): void {
  socket.on('error', ignore);
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const body = message === '' ? '' : `${message}\n`;
  let lines = fields.includes('content-type') ? '' : 'content-type: text/plain; charset=utf-8\r\n';
  for (let i = 0; i < fields.length; i += 2) lines += `${fields[i]}: ${fields[i + 1]}\r\n`;
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n` +
      `${lines}content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${toHead ? '' : body}`,
    () => socket.destroySoon(),
  );
  // Further input is dropped, so that the client reads the response and not a reset.
  socket.resume();
}

/**
 * Closes a connection so that its peer gets a reset. With TLS it is the end without a close_notify by which the peer sees
 * that data is missing (RFC 8446, 6.1), and the reset of the socket below, which Node resets on that one only.
 */
export function resetSocket(socket: Socket): void {
  const { _parent: below } = socket as { _parent?: Socket | null };
  if (isEnding(socket)) socket.destroy();
  else (below ?? socket).resetAndDestroy();
}

/**
 * Whether all data is with the kernel and the end that follows it is under way. Node cannot reset such a socket (EINVAL from
 * libuv), and would never close it.
 */
function isEnding({ writableEnded, writableFinished, writableLength }: Socket): boolean {
  return writableEnded && !writableFinished && writableLength === 0;
}

/** The response of this connection that has not been written to its end; node:http keeps it with the socket. */
export function runningResponse(socket: Socket): ServerResponse | undefined {
  return (socket as { _httpMessage?: ServerResponse | null })._httpMessage ?? undefined;
}

/** Calls back once all earlier requests on this connection have been answered. */
export function afterResponses(socket: Socket, proceed: () => void): void {
  const running = runningResponse(socket);
  if (running) running.once('close', () => afterResponses(socket, proceed));
  else if (!socket.destroyed) proceed();
}
