import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { httpRequest, STATUS_CODES } from '../../probe/builtins.ts';
import { clock } from '../clock.ts';
import type { Timed } from '../deadlines.ts';
import type { ExchangeShared } from '../exchange.ts';
import { type FlatHeaders, type RequestHead, responseHead } from '../headers.ts';
import { type Rejection, STOPPED, type Throttler, type Waiter } from '../throttler.ts';
import { failureOf } from './errors.ts';
import type { Instance } from './instance.ts';

/**
 * A request that asks to leave HTTP (WebSocket and any other Upgrade): once the instance agrees, bytes pass both ways
 * unread. It is one request in flight from its arrival until either side closes or timeoutSeconds have passed.
 */
export class Tunnel implements Waiter, Timed {
  readonly arrivedAt = clock();
  readonly #request: IncomingMessage;
  readonly #socket: Socket;
  readonly #head: RequestHead;
  readonly #throttler: Throttler;
  readonly #shared: ExchangeShared;
  #early: Buffer;
  #instance: Instance | undefined;
  #upstream: ClientRequest | undefined;
  #peer: Socket | undefined;
  #status = 0;
  #done = false;

  ticket = 0;
  ahead: Waiter | undefined;
  behind: Waiter | undefined;
  waiting = false;

  expiresAt = 0;
  earlier: Timed | undefined;
  later: Timed | undefined;
  deadlineList: Timed['deadlineList'];

  /** @param early bytes that the client sent behind its request. */
  constructor(
    request: IncomingMessage,
    socket: Socket,
    early: Buffer,
    head: RequestHead,
    throttler: Throttler,
    shared: ExchangeShared,
  ) {
    this.#request = request;
    this.#socket = socket;
    this.#early = early;
    this.#head = head;
    this.#throttler = throttler;
    this.#shared = shared;
  }

  start(): void {
    this.#shared.stats.begin(this.#throttler.entry.index, this.arrivedAt);
    this.#shared.opened();
    this.#socket.on('error', ignore);
    this.#socket.on('close', () => this.#finish());
    const instance = this.#throttler.enter(this);
    if (instance) this.admitted(instance);
  }

  admitted(instance: Instance): void {
    this.#instance = instance;
    const upstream = httpRequest({
      host: instance.host,
      port: instance.port,
      method: this.#request.method,
      path: this.#request.url,
      headers: [
        ...this.#head.headers,
        'connection',
        'upgrade',
        'upgrade',
        this.#request.headers.upgrade ?? '',
      ],
      agent: false,
      noDelay: true,
    } as never);
    this.#upstream = upstream;
    let connected = false;
    upstream.on('socket', (socket: Socket) => {
      socket.once('connect', () => {
        connected = true;
        this.#shared.deadlines.add(this, this.#throttler.entry.timeoutMs, clock());
      });
    });
    upstream.on('upgrade', (response, socket, head) => this.#open(response, socket as Socket, head));
    upstream.on('response', (response) => this.#answer(response));
    upstream.on('error', (error) => this.#failed(error, connected));
    upstream.end();
  }

  rejected(why: Rejection): void {
    if (why === 'stopped') this.#refuse(503, STOPPED);
    else if (why === 'gone') this.#refuse(503, 'The revision was deleted while the request waited for it.');
    else this.#refuse(429, 'No instance became free for this request in time.');
  }

  expired(): void {
    if (this.#status === 0) {
      const limit = this.#throttler.entry.timeoutMs / 1000;
      this.#refuse(504, `The instance did not answer within ${limit} seconds.`);
      return;
    }
    this.#finish();
  }

  /** The instance agreed: both sides are joined. */
  #open(response: IncomingMessage, peer: Socket, head: Buffer): void {
    if (this.#done) {
      peer.destroy();
      return;
    }
    this.#peer = peer;
    this.#status = response.statusCode as number;
    const socket = this.#socket;
    socket.write(
      startLines(response, [
        ...dropHop(response.rawHeaders),
        'connection',
        'upgrade',
        'upgrade',
        response.headers.upgrade ?? '',
      ]),
      'latin1',
    );
    if (head.length > 0) socket.write(head);
    if (this.#early.length > 0) peer.write(this.#early);
    peer.setNoDelay(true);
    peer.setTimeout(0);
    peer.on('error', ignore);
    peer.on('close', () => this.#finish());
    peer.pipe(socket);
    socket.pipe(peer);
  }

  /** The instance answered like any other request; the connection ends with its answer. */
  #answer(response: IncomingMessage): void {
    if (this.#done) {
      response.destroy();
      return;
    }
    this.#status = response.statusCode as number;
    const socket = this.#socket;
    socket.write(startLines(response, [...dropHop(response.rawHeaders), 'connection', 'close']), 'latin1');
    response.on('error', () => this.#finish());
    response.pipe(socket);
  }

  #failed(error: Error, connected: boolean): void {
    if (this.#done || this.#status !== 0) {
      this.#finish();
      return;
    }
    if (connected) {
      this.#refuse(500, 'The instance ended before it answered the request.');
      return;
    }
    const instance = this.#instance as Instance;
    this.#instance = undefined;
    this.#upstream = undefined;
    if (failureOf(error) !== 'unreachable') {
      this.#throttler.leave(instance);
      this.#refuse(503, 'No connection to the instance could be made.');
      return;
    }
    this.#shared.refused(this.#throttler, instance, error.message);
    this.#throttler.reenter(this);
    this.#throttler.leave(instance);
  }

  #refuse(status: number, message: string): void {
    if (this.#done) return;
    this.#status = status;
    refuseSocket(this.#socket, status, message);
    this.#finish();
  }

  #finish(): void {
    if (this.#done) return;
    this.#done = true;
    const { stats, deadlines } = this.#shared;
    deadlines.remove(this);
    this.#throttler.remove(this);
    stats.end(this.#throttler.entry.index, this.arrivedAt, clock(), this.#status);
    this.#shared.closed();
    this.#early = EMPTY;
    this.#upstream?.destroy();
    this.#peer?.destroy();
    this.#socket.destroySoon();
    const instance = this.#instance;
    this.#instance = undefined;
    if (instance) this.#throttler.leave(instance);
  }
}

const EMPTY = Buffer.alloc(0);
const ignore = (): void => {};

function dropHop(raw: string[]): FlatHeaders {
  return responseHead(raw).headers;
}

function startLines(response: IncomingMessage, headers: FlatHeaders): string {
  let lines = `HTTP/1.1 ${response.statusCode} ${response.statusMessage ?? ''}\r\n`;
  for (let i = 0; i < headers.length; i += 2) lines += `${headers[i]}: ${headers[i + 1]}\r\n`;
  return `${lines}\r\n`;
}

/** Answers with one line of text on a connection that is no longer HTTP's, and closes it. */
export function refuseSocket(socket: Socket, status: number, message: string): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const body = `${message}\n`;
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: text/plain; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
