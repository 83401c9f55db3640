import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { createHttpServer } from '../../builtins.ts';
import { KEEP_ALIVE_MS } from '../shared/limits.ts';
import { connectionOf } from './connection.ts';
import type { Connections } from './connections.ts';
import { belongsToHead, type ClientError, clientErrorRejection } from './downstream/clientErrors.ts';
import { readEscaped } from './downstream/rawTarget.ts';
import { afterResponses, runningResponse } from './downstream/socket.ts';
import { isUpgrade, unreadUpgrade } from './downstream/upgradeRequest.ts';
import type { Handler } from './handler.ts';

/** How late an overdue header section may be noticed. */
const LATENESS_MS = 500;

/**
 * The server for the connections of HTTP/1.0 and 1.1 that a listener has accepted; it does not listen itself. What a client
 * asks for goes to the handler, and what cannot be read is answered here.
 *
 * @param maxHeaderSize bytes of a header section; a gateway adds some to those that its clients may send.
 */
export function http1Server(handler: Handler, connections: Connections, maxHeaderSize: number): HttpServer {
  const server = createHttpServer({
    keepAliveTimeout: KEEP_ALIVE_MS,
    // Of requests after the first, whose time is the connection's.
    headersTimeout: connections.headerMs,
    connectionsCheckingInterval: Math.min(LATENESS_MS, connections.headerMs),
    // Uploads may take as long as the revision's timeoutSeconds allows.
    requestTimeout: 0,
    maxHeaderSize,
    // Host is checked by the handler, whose message says what is wrong.
    requireHostHeader: false,
  } as object);
  server.timeout = 0;
  server.maxHeadersCount = 0;
  const onRequest = (request: IncomingMessage, response: ServerResponse): void =>
    handler.http1(request, response);
  server.on('request', onRequest);
  server.on('checkContinue', onRequest);
  server.on('upgrade', (request, socket, head) => {
    afterResponses(socket as Socket, () => {
      if (isUpgrade(request)) {
        handler.upgrade(request, socket as Socket, head);
        return;
      }
      unreadUpgrade(request, socket as Socket, head);
      server.emit('connection', socket);
    });
  });
  server.on('connect', (_request, socket) =>
    afterResponses(socket as Socket, () =>
      connections.reject(connectionOf(socket), {
        reason: 'method',
        message: 'CONNECT is not supported.',
      }),
    ),
  );
  server.on('clientError', (error: ClientError, socket) =>
    answerClientError(server, connections, error, socket as Socket),
  );
  return server;
}

/** Answers what the HTTP/1 parser could not read, and closes the connection. */
function answerClientError(
  server: HttpServer,
  connections: Connections,
  error: ClientError,
  socket: Socket,
): void {
  // A response of the gateway would be read as that of the request before, or as a part of it.
  if (runningResponse(socket)) {
    socket.destroy();
    return;
  }
  const { code, rawPacket } = error;
  const connection = connectionOf(socket);
  // A request that began in an earlier packet has its method there, or a part of it.
  const continued = rawPacket !== undefined && connection.pendingBytes > rawPacket.length;
  if (code === 'HPE_INVALID_URL' && rawPacket && !continued && readEscaped(server, socket, rawPacket)) return;
  const rejection = clientErrorRejection(error);
  const toHead = connection.firstIsHead ?? (continued ? undefined : belongsToHead(error));
  const message = toHead === undefined ? '' : rejection.message;
  connections.reject(connection, { ...rejection, message }, toHead);
}
