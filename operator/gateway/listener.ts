import { once } from 'node:events';
import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http';
import type { Http2Server, ServerHttp2Session } from 'node:http2';
import { createServer as createNetServer, type Server as NetServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createHttpServer, http2 } from '../probe/builtins.ts';
import { clock } from './clock.ts';
import type { Deadlines, Timed } from './deadlines.ts';
import { answerClientError } from './downstream/clientErrors.ts';
import { afterResponses, refuseSocket } from './downstream/socket.ts';
import { isUpgrade, unreadUpgrade } from './downstream/upgradeRequest.ts';
import type { Handler } from './handler.ts';
import { SESSION_MEMORY, SESSION_WINDOW, STREAM_WINDOW } from './upstream/http2.ts';

/** Longer than the idle time of any load balancer before the gateway, so that it is never us who close first. */
const KEEP_ALIVE_MS = 620_000;
/** A client has this long to send its headers, and before that its first bytes. */
const HEADERS_MS = 30_000;
const MAX_HEADER_BYTES = 64 * 1024;
/** What every HTTP/2 connection begins with (RFC 9113, 3.4), as far as it differs from any HTTP/1.1 method. */
const PREFACE = Buffer.from('PRI');

/** From a GOAWAY until its client has surely heard of it. */
const GOAWAY_MS = 500;
/** The highest stream number that there is. */
const LAST_STREAM = 2 ** 31 - 1;

/** One port for HTTP/1.0, 1.1, HTTP/2 without TLS, WebSocket and gRPC: the first bytes tell them apart. */
export class Listener {
  readonly #deadlines: Deadlines;
  readonly #net: NetServer;
  readonly #http1: HttpServer;
  readonly #handler: Handler;
  #http2: Http2Server | undefined;
  readonly #sessions = new Set<ServerHttp2Session>();
  /** Those whose clients were asked to go elsewhere. */
  readonly #announced = new WeakSet<ServerHttp2Session>();

  constructor(handler: Handler, deadlines: Deadlines) {
    this.#deadlines = deadlines;
    this.#http1 = http1Server(handler);
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

  /**
   * Asks HTTP/2 clients to open no more streams here; those that they open before they hear of it are still served
   * (RFC 9113, 6.8). Clients that connect from now on are asked when the listener stops.
   */
  closing(): void {
    for (const session of this.#sessions) this.#announceEnd(session);
  }

  /** Takes no new connections and lets go of the idle ones; requests under way go on. */
  async stop(): Promise<void> {
    this.#net.close();
    // Closes idle connections now and stops the watch over them.
    this.#http1.close(() => {});
    const late = [...this.#sessions].filter((session) => this.#announceEnd(session));
    if (late.length > 0) await sleep(GOAWAY_MS);
    for (const session of this.#sessions) session.close();
  }

  /** Ends this share of the HTTP/2 connections once their requests have ended, so that their clients connect anew. */
  shed(share: number): void {
    for (const session of this.#sessions) if (Math.random() < share) session.close();
  }

  /** Resolves when the HTTP/2 clients have been sent everything and their connections are closed. */
  async idle(): Promise<void> {
    await Promise.all([...this.#sessions].map((session) => once(session, 'close').catch(() => {})));
  }

  /** Breaks off what is left. */
  destroy(): void {
    this.#http1.closeAllConnections();
    for (const session of this.#sessions) session.destroy();
  }

  /** Sends a GOAWAY that refuses no stream yet. @returns false when that was done before. */
  #announceEnd(session: ServerHttp2Session): boolean {
    if (session.destroyed || this.#announced.has(session)) return false;
    this.#announced.add(session);
    session.goaway(http2().constants.NGHTTP2_NO_ERROR, LAST_STREAM);
    return true;
  }

  #accept(socket: Socket): void {
    const sniffing = new Sniffing(socket);
    this.#deadlines.add(sniffing, HEADERS_MS, clock());
    const finish = (): void => {
      this.#deadlines.remove(sniffing);
      socket.off('readable', onReadable);
      socket.off('end', onEnd);
      socket.off('close', finish);
    };
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
      finish();
      socket.unshift(all);
      if (alike && !this.#http2) this.#http2 = this.#http2Server();
      (alike ? this.#http2 : this.#http1)?.emit('connection', socket);
    };
    socket.on('readable', onReadable);
    // For as long as it lives: a client may reset it whoever holds it.
    socket.on('error', () => void socket.destroy());
    socket.on('end', onEnd);
    socket.on('close', finish);
  }

  #http2Server(): Http2Server {
    const handler = this.#handler;
    const server = http2().createServer({
      // A response with a field twice is passed on as it is: HTTP/2 itself has no rule against it.
      strictSingleValueFields: false,
      settings: { initialWindowSize: STREAM_WINDOW, maxConcurrentStreams: 1000, enablePush: false },
      maxSessionMemory: SESSION_MEMORY,
    });
    server.on('session', (session) => {
      this.#sessions.add(session);
      session.setLocalWindowSize(SESSION_WINDOW);
      session.setTimeout(KEEP_ALIVE_MS, () => session.close());
      session.on('close', () => this.#sessions.delete(session));
      session.on('error', () => session.destroy());
    });
    // A broken client is no error of ours; its streams end with 'close'.
    server.on('sessionError', () => {});
    server.on('stream', (stream, headers, _flags, raw) =>
      handler.http2(stream, headers, raw as unknown as string[]),
    );
    return server;
  }
}

/** A connection whose first bytes have not come yet. */
class Sniffing implements Timed {
  readonly #socket: Socket;
  expiresAt = 0;
  earlier: Timed | undefined;
  later: Timed | undefined;
  deadlineList: Timed['deadlineList'];

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  expired(): void {
    this.#socket.destroy();
  }
}

function http1Server(handler: Handler): HttpServer {
  const server = createHttpServer({
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: HEADERS_MS,
    // Uploads may take as long as the revision's timeoutSeconds allows.
    requestTimeout: 0,
    maxHeaderSize: MAX_HEADER_BYTES,
    // Host is checked by the handler, with a sentence that says what is wrong.
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
    refuseSocket(socket as Socket, 405, 'CONNECT is not supported.'),
  );
  server.on('clientError', (error, socket) => answerClientError(server, error, socket as Socket));
  return server;
}
