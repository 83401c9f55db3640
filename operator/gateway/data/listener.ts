import { once } from 'node:events';
import type { Server as HttpServer } from 'node:http';
import type { Http2Server, ServerHttp2Session } from 'node:http2';
import { createServer as createNetServer, type Server as NetServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { http2 } from '../../builtins.ts';
import { HTTP2_WINDOW, MAX_HEADER_BYTES, MAX_HEADER_FIELDS, MAX_STREAMS } from '../shared/limits.ts';
import { type Connection, connectionOf } from './connection.ts';
import type { Connections } from './connections.ts';
import type { Handler } from './handler.ts';
import { Handshakes, type HandshakesOptions } from './handshakes.ts';
import { plainAddress } from './headers.ts';
import { http1Server } from './http1Server.ts';
import { outliveStreams } from './http2Memory.ts';
import { closeAfterStreams, endSession } from './sessionClose.ts';
import { SessionStarts } from './sessionStarts.ts';
import { within } from './within.ts';

/** More than {@link MAX_HEADER_BYTES}, so that a client that sends too much gets a response; nghttp2 takes 144 kB at most. */
const MOST_HEADER_BYTES = 2 * MAX_HEADER_BYTES;
/** What all streams of a connection may send ahead: waiting bodies are bounded by their own windows. */
const CONNECTION_WINDOW = 4 * 1024 * 1024;
/**
 * The same for another gateway: more than the windows of its streams, or else the bodies of requests that wait would stop
 * those of other clients.
 */
const GATEWAY_WINDOW = MAX_STREAMS * (HTTP2_WINDOW + 1);
/** Memory in MB that nghttp2 may use for one connection. */
const SESSION_MEMORY = 16;
/** What every HTTP/2 connection begins with (RFC 9113, 3.4), as far as it differs from any HTTP/1.1 method. */
const PREFACE = Buffer.from('PRI');

/** From a GOAWAY until its client has surely received it. */
const GOAWAY_MS = 500;
/**
 * How long an idle HTTP/1 connection stays open for a last request once no new ones are taken: closed at once, it would
 * lose the request of a client that sends one at that moment (RFC 9112, 9.3.1 leaves it to the client to try again).
 */
const LAST_REQUEST_MS = 5000;
/** The highest stream number that there is. */
const LAST_STREAM = 2 ** 31 - 1;

/** What a listener with TLS needs. */
export type SecureOptions = Pick<HandshakesOptions, 'certificates' | 'ticketKeys'>;

export interface ListenerOptions {
  /** Makes it a port for TLS only. */
  secure?: SecureOptions;
  /** Makes it a port for requests that the gateways with these addresses forward. */
  gateways?: () => ReadonlySet<string>;
}

/**
 * One port for HTTP/1.0, 1.1, HTTP/2, WebSocket and gRPC: the first bytes distinguish them, or ALPN where there is TLS (RFC
 * 7301).
 */
export class Listener {
  readonly #connections: Connections;
  readonly #gateways: ListenerOptions['gateways'];
  readonly #net: NetServer;
  readonly #http1: HttpServer;
  readonly #handler: Handler;
  readonly #starts = new SessionStarts();
  readonly #handshakes: Handshakes | undefined;
  #http2: Http2Server | undefined;
  readonly #sessions = new Set<ServerHttp2Session>();
  /** Those that were sent a GOAWAY. */
  readonly #announced = new WeakSet<ServerHttp2Session>();

  constructor(handler: Handler, connections: Connections, { secure, gateways }: ListenerOptions = {}) {
    this.#connections = connections;
    this.#gateways = gateways;
    this.#http1 = http1Server(handler, connections, gateways ? MOST_HEADER_BYTES : MAX_HEADER_BYTES);
    // It never listens itself, and without that it would not enforce timeouts on its connections.
    this.#http1.emit('listening');
    this.#handler = handler;
    if (secure) {
      const { usage } = connections;
      const secured = (connection: Connection): void => this.#begin(connection);
      this.#handshakes = new Handshakes({ ...secure, usage, secured });
    }
    // A client that closes its side in the handshake has left; later that is the protocol's to say.
    const options = { noDelay: true, allowHalfOpen: !secure };
    this.#net = createNetServer(options, (socket) => this.#accept(socket));
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
   * Asks HTTP/2 clients to open no more streams here; those that they open before they receive it are still served
   * (RFC 9113, 6.8). Clients that connect from now on are asked when the listener stops.
   */
  closing(): void {
    for (const session of this.#sessions) this.#announceEnd(session);
  }

  /**
   * Takes no new connections. HTTP/2 clients are asked to end theirs; those of HTTP/1 that are idle are closed after a last
   * request or {@link LAST_REQUEST_MS}, at most `graceMs`. Requests in flight go on.
   */
  async stop(graceMs: number): Promise<void> {
    const allClosed = new Promise<void>((resolve) => this.#net.close(() => resolve()));
    await Promise.all([this.#endSessions(), within(Math.min(LAST_REQUEST_MS, graceMs), allClosed)]);
    // Closes idle connections now and stops the timeouts of the others.
    this.#http1.close(() => {});
  }

  async #endSessions(): Promise<void> {
    const late = [...this.#sessions].filter((session) => this.#announceEnd(session));
    if (late.length > 0) await sleep(GOAWAY_MS);
    for (const session of this.#sessions) endSession(session);
  }

  /** Ends this share of the HTTP/2 connections once their requests have ended, so that their clients reconnect. */
  shed(share: number): void {
    for (const session of this.#sessions) if (Math.random() < share) endSession(session);
  }

  /** Resolves when the HTTP/2 clients have been sent everything and their connections are closed. */
  async idle(): Promise<void> {
    await Promise.all([...this.#sessions].map((session) => once(session, 'close').catch(() => {})));
  }

  /** Aborts what is left. */
  destroy(): void {
    this.#http1.closeAllConnections();
    for (const session of this.#sessions) session.destroy();
  }

  /** Sends a GOAWAY that rejects no stream yet. @returns false when that was done before. */
  #announceEnd(session: ServerHttp2Session): boolean {
    if (session.destroyed || this.#announced.has(session)) return false;
    this.#announced.add(session);
    session.goaway(http2().constants.NGHTTP2_NO_ERROR, LAST_STREAM);
    return true;
  }

  #accept(socket: Socket): void {
    if (this.#gateways && !this.#gateways().has(plainAddress(socket.remoteAddress))) {
      socket.destroy();
      return;
    }
    const connection = this.#connections.open(socket, this.#handshakes !== undefined);
    if (!connection) return;
    if (this.#handshakes) this.#handshakes.start(connection);
    else this.#begin(connection);
  }

  /** Finds out which protocol a client speaks, and hands its connection on. */
  #begin(connection: Connection): void {
    const { socket } = connection;
    this.#starts.accepted();
    const onEnd = (): void => void socket.destroy();
    let held: Buffer | undefined;
    const onReadable = (): void => {
      const bytes = socket.read() as Buffer | null;
      if (!bytes) return;
      const all = held ? Buffer.concat([held, bytes]) : bytes;
      const common = Math.min(all.length, PREFACE.length);
      const agreed = agreedProtocol(socket);
      const alike = agreed === undefined ? all.compare(PREFACE, 0, common, 0, common) === 0 : agreed === 'h2';
      if (agreed === undefined && alike && all.length < PREFACE.length) {
        // "P" may still become POST or PRI.
        held = all;
        return;
      }
      socket.off('readable', onReadable);
      // A client of HTTP/1.1 may close its side and wait for the response. One of HTTP/2 that does has left.
      if (!alike) socket.off('end', onEnd);
      socket.unshift(all);
      if (!connection.setProtocol(alike ? 'http2' : 'http1', all)) return;
      if (!alike) this.#http1.emit('connection', socket);
      else this.#starts.add(() => this.#startHttp2(socket));
    };
    socket.on('readable', onReadable);
    // For its whole life: a client may reset it in any phase.
    socket.on('error', () => void socket.destroy());
    socket.on('end', onEnd);
  }

  #startHttp2(socket: Socket): void {
    if (socket.destroyed) return;
    this.#http2 ??= this.#http2Server();
    // nghttp2 itself refuses further streams, also before the client has the settings (RFC 9113, 5.1.2: REFUSED_STREAM).
    this.#http2.updateSettings({ maxConcurrentStreams: this.#connections.streams });
    this.#http2.emit('connection', socket);
  }

  #http2Server(): Http2Server {
    const handler = this.#handler;
    const server = http2().createServer({
      // A response with a field twice is passed on as it is: HTTP/2 itself has no rule against it.
      strictSingleValueFields: false,
      settings: {
        initialWindowSize: HTTP2_WINDOW,
        maxHeaderListSize: MOST_HEADER_BYTES,
        enablePush: false,
      },
      maxHeaderListPairs: 4 * MAX_HEADER_FIELDS,
      maxSessionMemory: SESSION_MEMORY,
    });
    server.on('session', (session) => {
      this.#sessions.add(session);
      outliveStreams(session);
      closeAfterStreams(session);
      connectionOf(session.socket).carries(session);
      session.setLocalWindowSize(this.#gateways ? GATEWAY_WINDOW : CONNECTION_WINDOW);
      session.on('close', () => this.#sessions.delete(session));
      session.on('error', () => session.destroy());
    });
    // A broken client is no error of the gateway; its streams end with 'close'.
    server.on('sessionError', () => {});
    server.on('stream', (stream, headers, _flags, raw) => {
      stream.on('error', () => {});
      if (!stream.session) return;
      connectionOf(stream.session).stream(stream);
      handler.http2(stream, headers, raw as unknown as string[]);
    });
    return server;
  }
}

/** What the client agreed to by ALPN, where there is TLS: without ALPN only HTTP/1.1 (RFC 9113, 3.2). */
function agreedProtocol(socket: Socket): 'h2' | 'http/1.1' | undefined {
  const { alpnProtocol } = socket as { alpnProtocol?: string | false };
  if (alpnProtocol === undefined) return undefined;
  return alpnProtocol === 'h2' ? 'h2' : 'http/1.1';
}
