import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { readEscaped } from './rawTarget.ts';
import { refuseSocket, runningResponse } from './socket.ts';

/** What node:http tells of bytes that are no request. */
type ClientError = Error & { code?: string; rawPacket?: Buffer };

/** Answers what the HTTP/1 parser could not read, and closes the connection. */
export function answerClientError(server: Server, error: ClientError, socket: Socket): void {
  // An answer of ours would be taken for that of the request before, or for a part of it.
  if (runningResponse(socket)) {
    socket.destroy();
    return;
  }
  if (error.code === 'HPE_INVALID_URL' && error.rawPacket && readEscaped(server, socket, error.rawPacket))
    return;
  const { status, message } = refusalOf(error);
  refuseSocket(socket, status, message);
}

function refusalOf({ code, rawPacket }: ClientError): { status: number; message: string } {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return { status: 431, message: 'The request headers are too large.' };
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { status: 408, message: 'The request headers did not come in time.' };
    case 'HPE_INVALID_VERSION':
      return { status: 505, message: 'Only HTTP/1.0, HTTP/1.1 and HTTP/2 are supported.' };
    case 'HPE_INVALID_METHOD': {
      // A method is any token (RFC 9110, 9.1), but Node's parser has a list.
      const method = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,40}) \S+ HTTP\/1\.[01]\r\n/.exec(
        rawPacket?.toString('latin1', 0, 8192) ?? '',
      )?.[1];
      if (method) return { status: 501, message: `The method ${method} is not supported over HTTP/1.1.` };
    }
  }
  return { status: 400, message: 'The request is not valid HTTP.' };
}
