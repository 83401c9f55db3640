import type { IncomingMessage, ServerResponse } from 'node:http';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { headerSectionError, MAX_HEADER_FIELDS, TOO_MANY_FIELDS } from '../shared/limits.ts';
import { REJECTIONS, type Rejection } from '../shared/rejections.ts';
import { addressCell } from '../shared/usage.ts';
import { affinityCookie } from './affinity.ts';
import { type Connection, connectionOf, type Serve } from './connection.ts';
import type { Connections } from './connections.ts';
import { Http1Downstream, rejectHttp1 } from './downstream/http1.ts';
import { Http2Downstream, rejectHttp2 } from './downstream/http2.ts';
import { rawTarget } from './downstream/rawTarget.ts';
import { Exchange } from './exchange.ts';
import type { ExchangeShared } from './exchangeShared.ts';
import { Peer, type RequestHead, requestHead } from './headers.ts';
import { forwardedAddress, MOST_HOPS, settlesLater, takeHop } from './hop.ts';
import type { HttpsRedirect } from './httpsRedirect.ts';
import type { Source } from './queue.ts';
import type { Router, Split } from './router.ts';
import type { Throttler } from './throttler.ts';
import { Tunnel } from './tunnel.ts';

const OTHER_VERSION: Rejection = {
  reason: 'version',
  message: 'Only HTTP/1.0, HTTP/1.1 and HTTP/2 are supported.',
};
const NO_UPGRADE: Rejection = {
  reason: 'unsupported',
  message: 'This revision speaks HTTP/2, which has no Upgrade.',
};
const NO_REVISION: Rejection = {
  reason: 'no_revision',
  message: 'The service has no revision that takes requests.',
};
const UNSETTLED: Rejection = { reason: 'unreachable', message: 'No gateway takes requests of the revision.' };
const CHUNKED_HTTP10: Rejection = { reason: 'malformed', message: 'HTTP/1.0 has no Transfer-Encoding.' };

/** Where a handler's requests come from: outside the cluster, inside of it, or another gateway. */
export type Side = 'external' | 'internal' | 'gateway';

export interface HandlerOptions {
  side: Side;
  /** Where some of its requests are sent. */
  redirect?: HttpsRedirect | undefined;
  /** For requests that are forwarded to another gateway, which counts them. */
  forwarding: ExchangeShared;
}

/** Takes requests of every protocol, finds the revision for each and starts its exchange. */
export class Handler {
  /** Set when the process drains: each response closes its connection, so that clients connect elsewhere. */
  closing = false;
  readonly #router: Router;
  readonly #throttlers: ReadonlyMap<string, Throttler>;
  readonly #shared: ExchangeShared;
  readonly #connections: Connections;
  readonly #side: Side;
  readonly #redirect: HttpsRedirect | undefined;
  readonly #forwarding: ExchangeShared;
  #shedRound = 0;
  #shedShare = 0;

  constructor(
    router: Router,
    throttlers: ReadonlyMap<string, Throttler>,
    shared: ExchangeShared,
    connections: Connections,
    { side, redirect, forwarding }: HandlerOptions,
  ) {
    this.#connections = connections;
    this.#side = side;
    this.#redirect = redirect;
    this.#forwarding = forwarding;
    this.#router = router;
    this.#throttlers = throttlers;
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
    if (raw.length / 2 > MAX_HEADER_FIELDS) {
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
    const found = this.#find(request.method as string, path, head);
    if (head.hop && settlesLater(head.hop, found, this.#serveHttp1, request, response, connection, head))
      return;
    if ('reason' in found) {
      this.#rejectHttp1(request, response, head, found);
      return;
    }
    const downstream = new Http1Downstream(request, response, path as string, head, head.peer, this);
    new Exchange(downstream, found, this.#sharedFor(found), this.#sourceOf(connection, head)).start();
  };

  http2(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, raw: string[]): void {
    if (!stream.session) return;
    const connection = connectionOf(stream.session);
    const error = headerSectionError(raw);
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
    const found = this.#find(method, path?.startsWith('/') ? path : undefined, head);
    if (head.hop && settlesLater(head.hop, found, this.#serveHttp2, stream, method, path, connection, head))
      return;
    if ('reason' in found) {
      this.#shared.usage.count(found.reason);
      this.#log(method, path ?? '', 'HTTP/2', head, found);
      rejectHttp2(stream, REJECTIONS[found.reason], found.message, undefined, found.location);
      return;
    }
    new Exchange(
      new Http2Downstream(stream, method, path as string, head, hasBody),
      found,
      this.#sharedFor(found),
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
    const found = this.#find(request.method as string, path, head);
    if (
      head.hop &&
      settlesLater(head.hop, found, this.#serveUpgrade, request, socket, early, connection, head)
    )
      return;
    if ('reason' in found) {
      this.#logHttp1(request, head, found);
      this.#connections.reject(connection, found);
      return;
    }
    if (found.entry.protocol === 'h2c') {
      this.#logHttp1(request, head, NO_UPGRADE);
      this.#connections.reject(connection, NO_UPGRADE);
      return;
    }
    const shared = this.#sharedFor(found);
    const source = this.#sourceOf(connection, head);
    new Tunnel(request, socket, path as string, early, head, found, shared, source).start();
  };

  #rejectHttp1(
    request: IncomingMessage,
    response: ServerResponse,
    head: RequestHead,
    rejection: Rejection,
  ): void {
    const { reason, message, location } = rejection;
    this.#shared.usage.count(reason);
    rejectHttp1(response, REJECTIONS[reason], message, this.closes(head.peer), undefined, location);
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

  /** The gateway that a request is forwarded to counts it. */
  #sharedFor({ entry }: Throttler): ExchangeShared {
    if (entry.placement !== 'gateway') return this.#shared;
    this.#shared.usage.count('forwarded');
    return this.#forwarding;
  }

  /** A forwarded request waits on its own: many clients share the connection of their gateway. */
  #sourceOf(connection: Connection, head: RequestHead): Source {
    if (!head.hop) return connection;
    const address = addressCell(forwardedAddress(head));
    return { address, window: connection.window, waits: () => connection.waits() };
  }

  #find(method: string, path: string | undefined, head: RequestHead): Throttler | Rejection {
    if (method === 'TRACE' || method === 'CONNECT') {
      return { reason: 'method', message: `${method} is not supported.` };
    }
    if (head.otherCoding) {
      return { reason: 'unsupported', message: 'The only Transfer-Encoding that is supported is chunked.' };
    }
    if (head.contentLength !== undefined && !Number.isSafeInteger(head.contentLength)) {
      // It would be rounded, and the instance would get another length than the client sent.
      return { reason: 'malformed', message: 'The Content-Length must be a number below 2^53.' };
    }
    if (!head.host) return { reason: 'malformed', message: 'The request needs exactly one Host header.' };
    if (path === undefined) {
      return {
        reason: 'malformed',
        message: 'The request target must be a path, or a URL of the same host.',
      };
    }
    if (this.#side === 'gateway') return this.#forwarded(head);
    const split = this.#router.find(head.host, this.#side === 'internal');
    if (split === null) return { reason: 'malformed', message: 'The Host header is not a valid host name.' };
    if (!split) return { reason: 'unknown_host', message: 'No service answers at this host name.' };
    const location = this.#redirect?.target(head, path);
    if (location) return { reason: 'redirected', message: 'This host is served over HTTPS.', location };
    return this.#throttlerOf(split, head) ?? NO_REVISION;
  }

  #forwarded(head: RequestHead): Throttler | Rejection {
    if (!head.hop) return { reason: 'malformed', message: 'Only gateways may send requests to this port.' };
    const { revision, count } = head.hop;
    const throttler = this.#throttlers.get(revision);
    if (!throttler) return NO_REVISION;
    if (throttler.entry.placement === 'gateway' && count >= MOST_HOPS) return UNSETTLED;
    if (throttler.entry.affinity !== undefined) head.affinity ??= affinityCookie(head.headers);
    return throttler;
  }

  #throttlerOf(split: Split, head: RequestHead): Throttler | undefined {
    const bound = split.targets.length > 1 ? this.#boundTo(split, head) : undefined;
    if (bound) return bound;
    const revision = split.next();
    const throttler = revision === undefined ? undefined : this.#throttlers.get(revision);
    if (throttler?.entry.affinity !== undefined) head.affinity ??= affinityCookie(head.headers);
    return throttler;
  }

  /** The revision that the client is bound to, which takes precedence over the split (Session affinity and traffic splitting). */
  #boundTo({ targets }: Split, head: RequestHead): Throttler | undefined {
    for (const { revision, percent } of targets) {
      const throttler = percent > 0 ? this.#throttlers.get(revision) : undefined;
      const affinity = throttler?.entry.affinity;
      if (affinity === undefined) continue;
      head.affinity ??= affinityCookie(head.headers);
      if (head.affinity === undefined) return undefined;
      if (head.affinity.startsWith(affinity) && !throttler?.isFailing) return throttler;
    }
    return undefined;
  }
}

/**
 * The target as a path. A URL is accepted when it names the same host as the Host header does (RFC 9112, 3.2.2 lets
 * the two differ, which is how requests are smuggled past rules on the host).
 */
function originForm(target: string, host: string | undefined): string | undefined {
  if (target.charCodeAt(0) === 47) return rawTarget(target);
  const url = /^https?:\/\/([^/?#]+)([^#]*)$/i.exec(target);
  if (!url || url[1]?.toLowerCase() !== host?.toLowerCase()) return undefined;
  const rest = url[2] as string;
  return rawTarget(rest.startsWith('/') ? rest : `/${rest}`);
}
