import type { IncomingMessage, ServerResponse } from 'node:http';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { headerSectionError, MAX_HEADER_FIELDS, TOO_MANY_FIELDS } from '../shared/limits.ts';
import { REJECTIONS, type Rejection } from '../shared/rejections.ts';
import { addressCell } from '../shared/usage.ts';
import { KEYS_PENDING } from './callerRejections.ts';
import { type Connection, connectionOf, type Serve } from './connection.ts';
import type { Connections } from './connections.ts';
import { type Destinations, originForm, type Side } from './destinations.ts';
import { Http1Downstream, rejectHttp1 } from './downstream/http1.ts';
import { Http2Downstream, rejectHttp2 } from './downstream/http2.ts';
import { Exchange } from './exchange.ts';
import type { ExchangeShared } from './exchangeShared.ts';
import { Peer, type RequestHead, requestHead } from './headers.ts';
import type { HeldRequest, HeldRequests } from './heldRequests.ts';
import { forwardedAddress, settlesLater, takeHop } from './hop.ts';
import type { Source } from './queue.ts';
import { Tunnel } from './tunnel.ts';

const OTHER_VERSION: Rejection = {
  reason: 'version',
  message: 'Only HTTP/1.0, HTTP/1.1 and HTTP/2 are supported.',
};
const NO_UPGRADE: Rejection = {
  reason: 'unsupported',
  message: 'This revision speaks HTTP/2, which has no Upgrade.',
};
const CHUNKED_HTTP10: Rejection = { reason: 'malformed', message: 'HTTP/1.0 has no Transfer-Encoding.' };

/** Takes requests of every protocol, finds the revision for each and starts its exchange. */
export class Handler {
  /** Set when the process drains: each response closes its connection, so that clients connect elsewhere. */
  closing = false;
  readonly #destinations: Destinations;
  readonly #shared: ExchangeShared;
  readonly #connections: Connections;
  readonly #held: HeldRequests;
  readonly #side: Side;
  #shedRound = 0;
  #shedShare = 0;

  constructor(
    destinations: Destinations,
    shared: ExchangeShared,
    connections: Connections,
    held: HeldRequests,
  ) {
    this.#held = held;
    this.#connections = connections;
    this.#side = destinations.side;
    this.#destinations = destinations;
    this.#shared = shared;
  }

  /** From now on this share of the HTTP/1 connections is closed, each after its next response. */
  shed(share: number): void {
    this.#shedRound++;
    this.#shedShare = share;
  }

  /** Whether a connection is closed after its response. */
  closes(peer: Peer): boolean {
    if (this.closing) return true;
    if (peer.shedRound === this.#shedRound) return false;
    peer.shedRound = this.#shedRound;
    return Math.random() < this.#shedShare;
  }

  http1(request: IncomingMessage, response: ServerResponse): void {
    connectionOf(request.socket).request(request, response, this.#serve);
  }

  /** Serves a request of HTTP/1.1 whose turn on its connection has come. */
  readonly #serve: Serve = (request, response, connection) => {
    const peer = this.#peerOf(connection);
    const raw = request.rawHeaders;
    const hop = this.#side === 'gateway' ? takeHop(raw) : undefined;
    const head = requestHead(raw, peer);
    head.hop = hop;
    const { bytes, chunked, contentLength = 0 } = head;
    connection.sized(bytes, raw.length / 2, chunked ? undefined : contentLength);
    // The gateway that forwards a request has checked it, and then added fields.
    if (raw.length / 2 > MAX_HEADER_FIELDS && !hop) {
      this.#rejectHttp1(request, response, head, { reason: 'header_size', message: TOO_MANY_FIELDS });
      return;
    }
    const { httpVersionMajor, httpVersionMinor } = request;
    // Where such a request ends is ambiguous (RFC 9112, 6.1): nothing that follows is read as another request.
    const ambiguous = httpVersionMajor !== 1 || (chunked && httpVersionMinor === 0);
    if (ambiguous) {
      const rejection = httpVersionMajor === 1 ? CHUNKED_HTTP10 : OTHER_VERSION;
      const { reason, message } = rejection;
      this.#shared.usage.count(reason);
      this.#logHttp1(request, head, rejection);
      rejectHttp1(response, REJECTIONS[reason], message, true);
      connection.rejected();
      return;
    }
    this.#serveHttp1(request, response, connection, head);
  };

  readonly #serveHttp1 = (
    request: IncomingMessage,
    response: ServerResponse,
    connection: Connection,
    head: RequestHead,
  ): void => {
    if (head.hop && response.destroyed) return;
    const path = originForm(request.url as string, head.host);
    const found = this.#destinations.find(request.method as string, path, head);
    if (head.hop && settlesLater(head.hop, found, this.#serveHttp1, request, response, connection, head))
      return;
    if ('reason' in found) {
      const hasBody = head.chunked || head.contentLength !== undefined;
      const waits = { head, hasBody, source: connection, client: response };
      const rejection = this.#hold(found, waits, this.#serveHttp1, request, response, connection, head);
      if (rejection) this.#rejectHttp1(request, response, head, rejection);
      return;
    }
    const downstream = new Http1Downstream(request, response, path as string, head, head.peer, this);
    new Exchange(downstream, found, this.#shared, this.#sourceOf(connection, head)).start();
  };

  http2(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, raw: string[]): void {
    if (!stream.session) return;
    const connection = connectionOf(stream.session);
    const error = this.#side === 'gateway' ? undefined : headerSectionError(raw);
    if (error) {
      this.#shared.usage.count('header_size');
      rejectHttp2(stream, REJECTIONS.header_size, error);
      return;
    }
    const method = String(headers[':method']);
    const path = headers[':path'] === undefined ? undefined : String(headers[':path']);
    const authority = headers[':authority'] as string | undefined;
    const regular: string[] = [];
    let cookies: string | undefined;
    for (let i = 0; i < raw.length; i += 2) {
      const name = raw[i] as string;
      const value = raw[i + 1] as string;
      if (name.startsWith(':')) continue;
      // RFC 9113, 8.2.3: a cookie may be split.
      if (name === 'cookie') cookies = cookies === undefined ? value : `${cookies}; ${value}`;
      else if (name !== 'host' || authority === undefined) regular.push(name, value);
    }
    if (cookies !== undefined) regular.push('cookie', cookies);
    const hop = this.#side === 'gateway' ? takeHop(regular) : undefined;
    const head = requestHead(regular, this.#peerOf(connection), authority);
    head.hop = hop;
    this.#serveHttp2(stream, method, path, connection, head);
  }

  readonly #serveHttp2 = (
    stream: ServerHttp2Stream,
    method: string,
    path: string | undefined,
    connection: Connection,
    head: RequestHead,
  ): void => {
    if (head.hop && stream.closed) return;
    const hasBody = !stream.endAfterHeaders;
    const found = this.#destinations.find(method, path?.startsWith('/') ? path : undefined, head);
    if (head.hop && settlesLater(head.hop, found, this.#serveHttp2, stream, method, path, connection, head))
      return;
    if ('reason' in found) {
      const waits = { head, hasBody, source: connection, client: stream };
      const rejection = this.#hold(found, waits, this.#serveHttp2, stream, method, path, connection, head);
      if (!rejection) return;
      this.#shared.usage.count(rejection.reason);
      this.#log(method, path ?? '', 'HTTP/2', head, rejection);
      rejectHttp2(stream, REJECTIONS[rejection.reason], rejection.message, undefined, rejection.fields);
      return;
    }
    new Exchange(
      new Http2Downstream(stream, method, path as string, head, hasBody),
      found,
      this.#shared,
      this.#sourceOf(connection, head),
    ).start();
  };

  upgrade(request: IncomingMessage, socket: Socket, early: Buffer): void {
    const connection = connectionOf(socket);
    if (connection.requests > 0) {
      // Its responses would be mixed with those to requests before it.
      socket.destroy();
      return;
    }
    connection.upgraded();
    const hop = this.#side === 'gateway' ? takeHop(request.rawHeaders) : undefined;
    const head = requestHead(request.rawHeaders, this.#peerOf(connection));
    head.hop = hop;
    this.#serveUpgrade(request, socket, early, connection, head);
  }

  readonly #serveUpgrade = (
    request: IncomingMessage,
    socket: Socket,
    early: Buffer,
    connection: Connection,
    head: RequestHead,
  ): void => {
    if (head.hop && socket.destroyed) return;
    const path = originForm(request.url as string, head.host);
    const found = this.#destinations.find(request.method as string, path, head);
    if (
      head.hop &&
      settlesLater(head.hop, found, this.#serveUpgrade, request, socket, early, connection, head)
    )
      return;
    if ('reason' in found) {
      const waits = { head, hasBody: false, source: connection, client: socket };
      const rejection = this.#hold(
        found,
        waits,
        this.#serveUpgrade,
        request,
        socket,
        early,
        connection,
        head,
      );
      if (!rejection) return;
      this.#logHttp1(request, head, rejection);
      this.#connections.reject(connection, rejection);
      return;
    }
    if (found.entry.protocol === 'h2c') {
      this.#logHttp1(request, head, NO_UPGRADE);
      this.#connections.reject(connection, NO_UPGRADE);
      return;
    }
    const source = this.#sourceOf(connection, head);
    new Tunnel(request, socket, path as string, early, head, found, this.#shared, source).start();
  };

  #rejectHttp1(
    request: IncomingMessage,
    response: ServerResponse,
    head: RequestHead,
    rejection: Rejection,
  ): void {
    const { reason, message, fields } = rejection;
    this.#shared.usage.count(reason);
    rejectHttp1(response, REJECTIONS[reason], message, this.closes(head.peer), undefined, fields);
    this.#logHttp1(request, head, rejection);
  }

  #logHttp1(
    { method = '', url = '', httpVersion }: IncomingMessage,
    head: RequestHead,
    why: Rejection,
  ): void {
    this.#log(method, url, `HTTP/${httpVersion}`, head, why);
  }

  /** Logs a request that no revision gets. */
  #log(
    method: string,
    target: string,
    protocol: string,
    head: RequestHead,
    { reason, message }: Rejection,
  ): void {
    this.#shared.accessLog?.request({
      method,
      target,
      protocol,
      head,
      status: REJECTIONS[reason],
      requestBytes: 0,
      responseBytes: message.length + 1,
      latencyMs: 0,
      error: reason,
    });
  }

  /** One object for each connection. */
  #peerOf(connection: Connection): Peer {
    const { socket, isSecure } = connection;
    connection.peer ??= new Peer(socket.remoteAddress, this.#shedRound, isSecure, this.#side === 'gateway');
    return connection.peer;
  }

  /**
   * Lets a request wait for the keys that its caller is checked with; then `serve` is called with `args` again. These are no
   * closures of the callers, which would cost every request an allocation.
   * @returns why it is rejected; undefined when it waits.
   */
  #hold<T extends unknown[]>(
    found: Rejection,
    { client, ...waits }: Omit<HeldRequest, 'revision' | 'again'> & { client: { destroyed: boolean } },
    serve: (...args: T) => void,
    ...args: T
  ): Rejection | undefined {
    if (found !== KEYS_PENDING) return found;
    const revision = this.#destinations.revisionFor(waits.head);
    return this.#held.hold({ ...waits, revision, again: () => client.destroyed || serve(...args) });
  }

  /** A forwarded request waits on its own: many clients share the connection of their gateway. */
  #sourceOf(connection: Connection, head: RequestHead): Source {
    if (!head.hop) return connection;
    const address = addressCell(forwardedAddress(head));
    return { address, window: connection.window, waits: () => connection.waits() };
  }
}
