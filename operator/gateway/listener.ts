import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http';
import type { Http2Server, ServerHttp2Session } from 'node:http2';
import { createServer as createNetServer, type Server as NetServer, type Socket } from 'node:net';
import { createHttpServer, http2 } from '../probe/builtins.ts';
import { connectionOf } from './connection.ts';
import type { Connections } from './connections.ts';
import type { Handler } from './handler.ts';
import { HTTP2_WINDOW, MAX_HEADER_BYTES, MAX_HEADER_FIELDS, MAX_STREAMS, TOO_LARGE } from './limits.ts';

/** Longer than the idle time of any load balancer before the gateway, so that it is never us who close first. */
const KEEP_ALIVE_MS = 620_000;
/** How late a header section may be found to have taken too long. */
const LATENESS_MS = 500;
/** More than {@link MAX_HEADER_BYTES}, so that who sends too much is answered; nghttp2 takes 144 kB at most. */
const MOST_HEADER_BYTES = 2 * MAX_HEADER_BYTES;
/** What all streams of a connection may send ahead: bodies that wait are bounded by their own windows. */
const CONNECTION_WINDOW = 4 * 1024 * 1024;
/** Memory in MB that nghttp2 may use for one connection. */
const SESSION_MEMORY = 16;
/** What every HTTP/2 connection begins with (RFC 9113, 3.4), as far as it differs from any HTTP/1.1 method. */
const PREFACE = Buffer.from('PRI');

/** One port for HTTP/1.0, 1.1, HTTP/2 without TLS, WebSocket and gRPC: the first bytes tell them apart. */
export class Listener {
  readonly #connections: Connections;
  readonly #net: NetServer;
  readonly #http1: HttpServer;
  readonly #handler: Handler;
  #http2: Http2Server | undefined;
  readonly #sessions = new Set<ServerHttp2Session>();

  constructor(handler: Handler, connections: Connections) {
    this.#connections = connections;
    this.#http1 = http1Server(handler, connections);
    // It never listens itself, and only then would it watch over its connections: header time limit, idle ones.
    this.#http1.emit('listening');
    this.#handler = handler;
    this.#net = createNetServer({ noDelay: true, allowHalfOpen: true }, (socket) => this.#accept(socket));
  }

  /** @returns the port, which the system chooses for port 0. */
  listen(options: { port: number; host?: string; reusePort?: boolean }): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#net.once('error', reject);
      this.#net.listen({ ...options, backlog: 4096 }, () => {
        this.#net.off('error', reject);
        resolve((this.#net.address() as { port: number }).port);
      });
    });
  }

  /** Takes no new connections and lets go of the idle ones; requests under way go on. */
  stop(): void {
    this.#net.close();
    // Closes idle connections now and stops the watch over them.
    this.#http1.close(() => {});
    for (const session of this.#sessions) session.close();
  }

  /** Ends this share of the HTTP/2 connections once their requests have ended, so that their clients connect anew. */
  shed(share: number): void {
    for (const session of this.#sessions) if (Math.random() < share) session.close();
  }

  /** Breaks off what is left. */
  destroy(): void {
    this.#http1.closeAllConnections();
    for (const session of this.#sessions) session.destroy();
  }

  #accept(socket: Socket): void {
    const connection = this.#connections.open(socket);
    if (!connection) return;
    const onEnd = (): void => void socket.destroy();
    let held: Buffer | undefined;
    const onReadable = (): void => {
      const bytes = socket.read() as Buffer | null;
      if (!bytes) return;
      const all = held ? Buffer.concat([held, bytes]) : bytes;
      const common = Math.min(all.length, PREFACE.length);
      const alike = all.compare(PREFACE, 0, common, 0, common) === 0;
      if (alike && all.length < PREFACE.length) {
        // "P" may still become POST or PRI.
        held = all;
        return;
      }
      socket.off('readable', onReadable);
      // A client of HTTP/1.1 may close its side and wait for the answer. One of HTTP/2 that does has left.
      if (!alike) socket.off('end', onEnd);
      socket.unshift(all);
      connection.speaks(alike ? 'http2' : 'http1');
      if (alike && !this.#http2) this.#http2 = this.#http2Server();
      (alike ? this.#http2 : this.#http1)?.emit('connection', socket);
    };
    socket.on('readable', onReadable);
    socket.on('error', () => void socket.destroy());
    socket.on('end', onEnd);
  }

  #http2Server(): Http2Server {
    const handler = this.#handler;
    const server = http2().createServer({
      settings: {
        initialWindowSize: HTTP2_WINDOW,
        maxConcurrentStreams: MAX_STREAMS,
        maxHeaderListSize: MOST_HEADER_BYTES,
        enablePush: false,
      },
      maxHeaderListPairs: 4 * MAX_HEADER_FIELDS,
      maxSessionMemory: SESSION_MEMORY,
    });
    server.on('session', (session) => {
      this.#sessions.add(session);
      connectionOf(session.socket).carries(session);
      session.setLocalWindowSize(CONNECTION_WINDOW);
      session.setTimeout(KEEP_ALIVE_MS, () => session.close());
      session.on('close', () => this.#sessions.delete(session));
      session.on('error', () => session.destroy());
      if (handler.closing) session.close();
    });
    // A broken client is no error of ours; its streams end with 'close'.
    server.on('sessionError', () => {});
    server.on('stream', (stream, headers, _flags, raw) => {
      if (stream.session) connectionOf(stream.session).stream(stream);
      handler.http2(stream, headers, raw as unknown as string[]);
    });
    return server;
  }
}

function http1Server(handler: Handler, connections: Connections): HttpServer {
  const server = createHttpServer({
    keepAliveTimeout: KEEP_ALIVE_MS,
    // Of requests after the first, whose time is the connection's.
    headersTimeout: connections.headerMs,
    connectionsCheckingInterval: Math.min(LATENESS_MS, connections.headerMs),
    // Uploads may take as long as the revision's timeoutSeconds allows.
    requestTimeout: 0,
    maxHeaderSize: MAX_HEADER_BYTES,
    // Host is checked by the handler, with a sentence that says what is wrong.
    requireHostHeader: false,
    // "Upgrade: h2c" is no longer HTTP (RFC 9113, 3.1): such a request is answered as if it had not asked.
    shouldUpgradeCallback: (request: IncomingMessage) => !/^h2c?$/i.test(request.headers.upgrade ?? ''),
  } as object);
  server.timeout = 0;
  server.maxHeadersCount = 0;
  const onRequest = (request: IncomingMessage, response: ServerResponse): void =>
    handler.http1(request, response);
  server.on('request', onRequest);
  server.on('checkContinue', onRequest);
  server.on('upgrade', (request, socket, head) => handler.upgrade(request, socket as Socket, head));
  server.on('connect', (_request, socket) =>
    connections.refuse(connectionOf(socket), 405, 'CONNECT is not supported.'),
  );
  server.on('clientError', (error: Error & { code?: string }, socket) => {
    const status =
      error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
    const reason =
      status === 431
        ? TOO_LARGE
        : status === 408
          ? 'The request headers did not come in time.'
          : 'The request is not valid HTTP.';
    connections.refuse(connectionOf(socket), status, reason);
  });
  return server;
}
