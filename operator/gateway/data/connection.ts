import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { clock } from '../shared/clock.ts';
import { HTTP1_WINDOW } from '../shared/limits.ts';
import { addressCell, type Event } from '../shared/usage.ts';
import type { ConnectionSet } from './connectionSet.ts';
import type { Timed } from './deadlines.ts';
import type { Peer } from './headers.ts';
import { Http2Sections } from './http2Sections.ts';
import { Pipeline, stopParsing } from './pipeline.ts';
import type { Source } from './queue.ts';
import { endSession } from './sessionClose.ts';
import { UploadWindow } from './uploadWindow.ts';

const CONNECTION = Symbol('connection');
type WithConnection = { [CONNECTION]?: Connection };

/** Bytes that may follow a request without being the start of another: spaces, empty lines. */
const SLACK_BYTES = 2048;
/** What every HTTP/2 connection begins with; nothing shorter can hold a request. */
const PREFACE_BYTES = 24;

/** The connection of a socket of a client, or of an HTTP/2 session on it. */
export function connectionOf(socket: object): Connection {
  return (socket as WithConnection)[CONNECTION] as Connection;
}

/** Serves a request when its turn on its connection has come. */
export type Serve = (request: IncomingMessage, response: ServerResponse, connection: Connection) => void;

type Phase =
  /** The handshake of TLS is not complete. */
  | 'handshake'
  /** No header section has been complete. */
  | 'new'
  /** HTTP/2 without a request in the time for a header section. */
  | 'unused'
  | 'used'
  /** Its last response is sent, and the rest of the request is read only for a short time. */
  | 'lingering';

/** One client's connection: its requests, its unread bytes, and its time limits. */
export class Connection implements Source, Timed {
  /** Whether its client uses TLS. */
  readonly isSecure: boolean;
  /** Where HTTP is read and written: with TLS, the socket on top of the client's once the handshake is complete. */
  socket: Socket;
  readonly address: number;
  peer: Peer | undefined;
  protocol: 'http1' | 'http2' | undefined;
  session: ServerHttp2Session | undefined;
  /** Requests that are being served. */
  requests = 0;
  /** When the header section that is pending was first seen, on {@link clock}; 0 is none. */
  pendingSince = 0;
  readonly #connections: ConnectionSet<Connection>;
  #beginsWithHead: boolean | undefined;
  #phase: Phase;
  #closed = false;
  /** Bytes up to here belong to parsed requests. */
  #known = 0;
  /** Rejected without knowing where the request ends: no other request is read. */
  #rejected = false;
  #request: IncomingMessage | undefined;
  #unsized = false;
  #pipeline: Pipeline<Serve> | undefined;
  #uploads: UploadWindow | undefined;
  #sections: Http2Sections | undefined;

  idle = false;
  /** When it became idle, on {@link clock}. */
  idleSince = 0;
  idleLonger: Connection | undefined;
  idleShorter: Connection | undefined;

  expiresAt = 0;
  earlier: Timed | undefined;
  later: Timed | undefined;
  deadlineList: Timed['deadlineList'];

  constructor(socket: Socket, connections: ConnectionSet<Connection>, isSecure: boolean) {
    this.socket = socket;
    this.isSecure = isSecure;
    this.#phase = isSecure ? 'handshake' : 'new';
    this.#connections = connections;
    this.address = addressCell(socket.remoteAddress ?? '');
    (socket as WithConnection)[CONNECTION] = this;
    socket.on('close', () => this.#onClose());
    connections.deadlines.add(this, isSecure ? connections.handshakeMs : connections.headerMs, clock());
  }

  /** Its handshake is complete. @returns false when it has been closed meanwhile. */
  secured(socket: Socket): boolean {
    if (this.#closed) return false;
    this.socket = socket;
    (socket as WithConnection)[CONNECTION] = this;
    this.#phase = 'new';
    const { deadlines, headerMs } = this.#connections;
    deadlines.remove(this);
    deadlines.add(this, headerMs, clock());
    return true;
  }

  get window(): number {
    return this.#uploads?.size ?? HTTP1_WINDOW;
  }

  /** The first bytes have shown the protocol. @returns false when it exceeds a limit, and then it is closed. */
  setProtocol(protocol: 'http1' | 'http2', bytes: Buffer): boolean {
    this.protocol = protocol;
    const start = bytes.toString('latin1', 0, 16).trimStart();
    this.#beginsWithHead =
      start.length < 5 && 'HEAD '.startsWith(start) ? undefined : start.startsWith('HEAD ');
    const count = this.#connections.count(protocol, 1);
    if (protocol === 'http1' || this.#connections.hasRoomForHttp2(count)) return true;
    this.close('refusedConnections');
    return false;
  }

  /** Whether the first request is a HEAD; undefined when its first packet does not show it, and once its headers are read. */
  get firstIsHead(): boolean | undefined {
    return this.#phase === 'new' ? this.#beginsWithHead : undefined;
  }

  /** The HTTP/2 session on this connection. */
  carries(session: ServerHttp2Session): void {
    this.session = session;
    this.#sections = new Http2Sections(session);
    this.#uploads = new UploadWindow(session, this.#connections.requestBytes);
    (session as WithConnection)[CONNECTION] = this;
  }

  /**
   * An HTTP/1.1 request arrived. One is served at a time; pipelined ones wait here, and a connection with too many of
   * them is closed, because each costs memory.
   */
  request(request: IncomingMessage, response: ServerResponse, serve: Serve): void {
    if (this.#closed || this.#rejected || !this.socket.writable) return;
    this.#used();
    if (this.requests === 0) {
      this.#serve(request, response, serve);
      return;
    }
    this.#pipeline ??= new Pipeline(this.#connections.requestBytes);
    if (this.#pipeline.add(request, response, serve)) return;
    stopParsing(this.socket);
    this.close('closedForPipelining');
  }

  /** The size of the HTTP/1.1 request that is being served: what follows belongs to the next. */
  sized(head: number, fields: number, body: number | undefined): void {
    const request = this.#request as IncomingMessage;
    const line = (request.method as string).length + (request.url as string).length + 12;
    this.#unsized = body === undefined;
    this.#known += line + head + 4 * fields + 2 + (body ?? 0);
  }

  /** A stream of HTTP/2 arrived, with its whole header section. */
  stream(stream: ServerHttp2Stream): void {
    this.#used();
    this.#sections?.complete(stream.id as number);
    this.#begin();
    stream.once('close', this.#end);
    if (!stream.endAfterHeaders) stream.once('finish', () => this.#connections.linger(stream));
  }

  /** The connection leaves HTTP: it is one request until it closes. */
  upgraded(): void {
    this.#used();
    this.#begin();
  }

  /** It got a rejection to a request whose end is unknown, and nothing else is read from it. */
  rejected(): void {
    this.#rejected = true;
    this.#pipeline?.drop();
    this.last();
  }

  /** The client has a short time to read its last response. */
  last(): void {
    if (this.#closed) return;
    this.#phase = 'lingering';
    const { deadlines, lingerMs } = this.#connections;
    deadlines.remove(this);
    deadlines.add(this, lingerMs, clock());
  }

  /** Bytes of an incomplete header section. */
  get pendingBytes(): number {
    if (this.#closed || this.#phase === 'handshake') return 0;
    const { bytesRead } = this.socket;
    if (this.protocol === 'http2') return this.#sections?.pendingBytes(bytesRead) ?? 0;
    return this.#request?.complete === false ? 0 : Math.max(0, bytesRead - this.#known);
  }

  /** One of its requests has to wait. */
  waits(): void {
    this.#uploads?.lower();
  }

  /** Called several times a second. */
  look(): void {
    this.#uploads?.look(this.socket.bytesRead, this.requests);
  }

  close(reason: Event): void {
    if (this.#closed) return;
    this.#connections.usage.count(reason);
    this.session?.destroy();
    this.socket.destroy();
    this.#onClose();
  }

  expired(): void {
    const { deadlines, headerMs, firstRequestMs } = this.#connections;
    if (this.#phase === 'handshake') {
      this.close('closedForHandshakeTime');
    } else if (this.#phase === 'lingering') {
      this.close('closedForLingering');
    } else if (this.#phase === 'unused') {
      this.#goAway();
    } else if (this.#sections?.begun === false && this.socket.bytesRead > PREFACE_BYTES) {
      this.#phase = 'unused';
      deadlines.add(this, Math.max(0, firstRequestMs - headerMs), clock());
    } else if (this.protocol === 'http1') {
      this.#connections.usage.count('closedForHeaderTime');
      this.#connections.reject(this, {
        reason: 'header_time',
        message: 'The request headers did not come in time.',
      });
    } else {
      this.close('closedForHeaderTime');
    }
  }

  /** Closes it after the idle timeout: its client gets a GOAWAY. */
  endIdle(): void {
    this.#goAway();
  }

  #goAway(): void {
    this.#connections.usage.count('closedForIdleness');
    if (this.session) endSession(this.session);
    this.last();
  }

  #used(): void {
    if (this.#phase === 'used') return;
    this.#phase = 'used';
    this.#connections.deadlines.remove(this);
  }

  #serve(request: IncomingMessage, response: ServerResponse, serve: Serve): void {
    this.#request = request;
    this.#begin();
    response.once('close', this.#end);
    serve(request, response, this);
  }

  #begin(): void {
    this.requests++;
    this.pendingSince = 0;
    if (this.idle) this.#connections.busy(this);
  }

  readonly #end = (): void => {
    this.requests--;
    if (this.#closed) return;
    const request = this.#request;
    this.#request = undefined;
    // The response was the last of its connection: what follows is not processed (RFC 9112, 9.6), and Node would neither send
    // its response nor say that it has ended.
    if (!this.socket.writable) this.#pipeline?.drop();
    const next = this.#pipeline?.next();
    if (next) {
      this.#serve(next.request, next.response, next.serve);
      return;
    }
    if (request && !request.complete) this.#awaitRest(request);
    const { bytesRead } = this.socket;
    // The end of a body of unknown length is not visible here.
    if (this.#unsized || bytesRead - this.#known <= SLACK_BYTES) this.#known = bytesRead;
    this.#unsized = false;
    if (this.requests === 0) this.#connections.becameIdle(this);
  };

  /** Its response is sent, but the client still sends the request's body. */
  #awaitRest(request: IncomingMessage): void {
    this.last();
    request.once('close', () => {
      this.#known = this.socket.bytesRead;
      if (this.#phase === 'lingering') this.#used();
    });
  }

  #onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connections.deadlines.remove(this);
    this.#uploads?.close();
    this.#pipeline?.drop();
    if (this.protocol) this.#connections.count(this.protocol, -1);
    this.#connections.closed(this);
  }
}
