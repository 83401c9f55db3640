import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { httpRequest } from '../../builtins.ts';
import { clock } from '../shared/clock.ts';
import { waitingBytes } from '../shared/limits.ts';
import { REJECTIONS, type RejectionReason } from '../shared/rejections.ts';
import { WEBSOCKETS } from '../shared/usage.ts';
import type { AccessLog } from './accessLog.ts';
import { bindClient } from './affinity.ts';
import type { Timed } from './deadlines.ts';
import { rejectSocket } from './downstream/socket.ts';
import {
  beginRequest,
  deadlineMessage,
  type ExchangeShared,
  INSTANCE_ENDED,
  isFenced,
  NO_CONNECTION,
} from './exchangeShared.ts';
import { guardCallbacks } from './guard.ts';
import type { FlatHeaders, RequestHead } from './headers.ts';
import { markHop } from './hop.ts';
import type { QueueEntry, Source } from './queue.ts';
import { rejectionOf } from './queueRejections.ts';
import { responseHead } from './responseHead.ts';
import { MeasuredRequest } from './stages.ts';
import type { QueueRejection, Throttler, Waiter } from './throttler.ts';
import { completeTrace } from './trace.ts';
import { failureOf } from './upstream/errors.ts';
import type { Instance } from './upstream/instance.ts';
import { CLOSE_FROM_CLIENT, CLOSE_FROM_SERVER, FrameBoundary } from './webSocketFrames.ts';

/** Longer than two SYN retransmissions, so that one lost packet is no failure. */
const CONNECT_TIMEOUT_MS = 5000;
/** What a client may send before its upgrade is answered. */
const MAX_EARLY_BYTES = 16 * 1024;
/** From the close frame at the deadline until the connections are destroyed. */
const CLOSE_MS = 1000;
/** How long a client may take to read the rest of what was written to it. */
const LINGER_MS = 5000;

/**
 * A request that asks to leave HTTP (WebSocket and any other Upgrade): once the instance agrees, bytes are forwarded
 * both ways. It is one request in flight from its arrival until either side closes or timeoutSeconds have passed.
 */
export class Tunnel extends MeasuredRequest implements Waiter, Timed {
  readonly #request: IncomingMessage;
  readonly #socket: Socket;
  readonly #path: string;
  readonly #head: RequestHead;
  readonly #throttler: Throttler;
  readonly #shared: ExchangeShared;
  readonly #early: Buffer[] = [];
  #earlyBytes = 0;
  #instance: Instance | undefined;
  #upstream: ClientRequest | undefined;
  #connected = false;
  #peer: Socket | undefined;
  #frames: { fromClient: FrameBoundary; fromInstance: FrameBoundary } | undefined;
  #closing = false;
  #status = 0;
  #done = false;

  readonly source: Source;
  readonly weight: number;
  queueEntry: QueueEntry<Waiter> | undefined;

  expiresAt = 0;
  earlier: Timed | undefined;
  later: Timed | undefined;
  deadlineList: Timed['deadlineList'];

  /** @param path of the request target. @param early bytes that the client sent behind its request. */
  constructor(
    request: IncomingMessage,
    socket: Socket,
    path: string,
    early: Buffer,
    head: RequestHead,
    throttler: Throttler,
    shared: ExchangeShared,
    source: Source,
  ) {
    super();
    this.#request = request;
    this.#socket = socket;
    this.#path = path;
    this.#head = head;
    this.#throttler = throttler;
    this.#shared = shared;
    this.source = source;
    this.weight = waitingBytes(head.bytes, MAX_EARLY_BYTES);
    if (early.length > 0) this.earlyData(early);
  }

  get affinity(): string | undefined {
    return this.#head.affinity;
  }

  start(): void {
    beginRequest(this, this.#throttler, this.#shared);
    if (!this.#throttler.forwardsAtOnce) this.countHere(this.arrivedAt, this.#throttler, this.#shared);
    // It is read from the beginning, or else a client that leaves while it waits would not be noticed.
    this.#socket.on('data', this.#onEarlyData).on('end', this.#onEnd).on('close', this.#onEnd);
    this.waitsSince(this.arrivedAt);
    const instance = this.#throttler.enter(this);
    if (!instance) return;
    this.admittedAtOnce();
    this.admitted(instance);
  }

  earlyData(chunk: Buffer): void {
    this.#early.push(chunk);
    this.#earlyBytes += chunk.length;
    if (this.#earlyBytes >= MAX_EARLY_BYTES) this.#socket.pause();
  }

  admitted(instance: Instance): void {
    this.waitedUntil(clock());
    this.#instance = instance;
    this.countSent(instance, this.#throttler, this.#shared);
    completeTrace(this.#head, instance, this.arrivedAt);
    this.#connected = false;
    if (instance.isGateway || this.#head.marked) markHop(this.#head, instance, this.#throttler.entry.key);
    const upstream = httpRequest({
      host: instance.host,
      port: instance.port,
      method: this.#request.method,
      path: this.#path,
      headers: [...this.#head.headers, ...upgradeFields(this.#request)],
      agent: false,
      noDelay: true,
    } as never);
    this.#upstream = upstream;
    upstream.on('error', (error) => this.upstreamFailed(upstream, error));
    upstream.on('socket', (socket: Socket) => {
      socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy(timeoutError()));
      socket.once('connect', () => {
        socket.setTimeout(0);
        if (upstream !== this.#upstream) return;
        this.#connected = true;
        this.sentAt = clock();
      });
    });
    upstream.on('upgrade', (response, socket, head) => this.opened(response, socket as Socket, head));
    upstream.on('response', (response) => this.answered(response));
    upstream.end();
  }

  rejected(why: QueueRejection): void {
    const { reason, message } = rejectionOf(why, this.#throttler.entry.failing);
    this.#reject(reason, message);
  }

  /** Its connection is read while it waits, so an event reports that the client has left. */
  checkClient(): void {}

  /** A WebSocket gets close frames (RFC 6455, 7.1.1); a second later the connections are destroyed. */
  expired(): void {
    if (this.#done) {
      this.#socket.destroy();
      return;
    }
    if (this.#status === 0 && !this.#instance && this.#throttler.isFailing) {
      this.rejected('failing');
      return;
    }
    if (this.#status === 0) {
      this.#reject('deadline', deadlineMessage(this.#throttler));
      return;
    }
    const peer = this.#peer;
    const frames = this.#frames;
    if (this.#closing || !peer || !frames) {
      this.#finish();
      return;
    }
    this.#closing = true;
    this.#shared.deadlines.add(this, CLOSE_MS, clock());
    this.#socket.unpipe(peer);
    peer.unpipe(this.#socket);
    this.#socket.resume();
    peer.resume();
    if (frames.fromClient.between) peer.end(CLOSE_FROM_CLIENT);
    if (frames.fromInstance.between) this.#socket.end(CLOSE_FROM_SERVER);
    else this.#finish();
  }

  /** Another gateway may take over: its request in an instance must end. */
  fenced(): void {
    if (this.#instance && isFenced(this.#instance, this.#throttler)) this.#finish();
  }

  /** The instance agreed: connects both sides. */
  opened(response: IncomingMessage, peer: Socket, head: Buffer): void {
    peer.on('error', ignore);
    if (this.#done) {
      peer.destroy();
      return;
    }
    this.#peer = peer;
    if (this.counted) this.#shared.usage.add(WEBSOCKETS, 1);
    this.#answered(response);
    const socket = this.#socket;
    socket.off('data', this.#onEarlyData).off('end', this.#onEnd);
    const headers = [...this.#headersOf(response), ...upgradeFields(response)];
    socket.write(startLines(response, headers), 'latin1');
    if (/^websocket$/i.test(response.headers.upgrade ?? '')) this.#follow(socket, peer, head);
    if (head.length > 0) socket.write(head);
    for (const chunk of this.#early.splice(0)) peer.write(chunk);
    peer.setNoDelay(true);
    peer.setTimeout(0);
    peer.on('close', this.#onEnd);
    peer.pipe(socket);
    socket.pipe(peer);
  }

  /** The instance responded as to any other request; the connection ends with its response. */
  answered(response: IncomingMessage): void {
    response.on('error', this.#onEnd);
    if (this.#done) {
      response.destroy();
      return;
    }
    this.#answered(response);
    const headers = [...this.#headersOf(response), 'connection', 'close'];
    this.#socket.write(startLines(response, headers), 'latin1');
    response.pipe(this.#socket);
  }

  upstreamFailed(upstream: ClientRequest, error: Error): void {
    if (upstream !== this.#upstream || this.#done) return;
    if (this.#status !== 0) {
      this.#finish();
      return;
    }
    if (this.#connected) {
      this.#reject('instance_ended', INSTANCE_ENDED);
      return;
    }
    const instance = this.#instance as Instance;
    if (failureOf(error) !== 'unreachable') {
      this.#reject('unreachable', NO_CONNECTION);
      return;
    }
    this.#instance = undefined;
    this.#upstream = undefined;
    const now = clock();
    this.waitsSince(now);
    this.countHere(now, this.#throttler, this.#shared);
    this.#shared.unreachable(this.#throttler, instance, error.message);
    this.#throttler.reenter(this);
    this.#throttler.leave(instance);
  }

  /** One side has closed its connection. */
  ended(): void {
    if (!this.#done && this.#status === 0) {
      if (this.counted) this.#shared.usage.count('clientLeft');
      this.countError('client_left', this.#throttler, this.#shared);
    }
    this.#finish();
  }

  onError(error: unknown): void {
    this.#shared.onError(error);
    this.#finish();
  }

  readonly #onEarlyData = (chunk: Buffer): void => this.earlyData(chunk);
  readonly #onEnd = (): void => this.ended();

  #headersOf({ rawHeaders }: IncomingMessage): FlatHeaders {
    const head = responseHead(rawHeaders);
    bindClient(head, this.#head, this.#instance as Instance);
    return head.headers;
  }

  #log(log: AccessLog, now: number): void {
    const exchanged = {
      method: this.#request.method as string,
      target: this.#path,
      protocol: `HTTP/${this.#request.httpVersion}`,
      head: this.#head,
      status: this.#status,
      requestBytes: this.#peer?.bytesWritten ?? 0,
      responseBytes: this.#socket.bytesWritten,
    };
    this.log(log, exchanged, this.#throttler, this.#instance, now);
  }

  #answered(response: IncomingMessage): void {
    this.#status = response.statusCode as number;
    this.answeredAt = clock();
    this.countAnswer(this.#instance as Instance, this.#throttler, this.#shared);
  }

  #follow(socket: Socket, peer: Socket, head: Buffer): void {
    const frames = { fromClient: new FrameBoundary(), fromInstance: new FrameBoundary() };
    this.#frames = frames;
    frames.fromInstance.feed(head);
    for (const chunk of this.#early) frames.fromClient.feed(chunk);
    socket.on('data', (chunk: Buffer) => frames.fromClient.feed(chunk));
    peer.on('data', (chunk: Buffer) => frames.fromInstance.feed(chunk));
  }

  #reject(reason: RejectionReason, message: string): void {
    if (this.#done) return;
    this.#status = REJECTIONS[reason];
    this.#shared.usage.count(reason);
    this.countHere(clock(), this.#throttler, this.#shared);
    this.countError(reason, this.#throttler, this.#shared);
    rejectSocket(this.#socket, this.#status, message);
    this.#finish();
  }

  #finish(): void {
    if (this.#done) return;
    this.#done = true;
    const { deadlines } = this.#shared;
    deadlines.remove(this);
    this.#throttler.remove(this);
    const now = clock();
    this.waitedUntil(now);
    this.countEnd(now, this.#status, this.#throttler, this.#shared);
    if (this.#shared.accessLog) this.#log(this.#shared.accessLog, now);
    this.#early.length = 0;
    this.#upstream?.destroy();
    this.#peer?.destroy();
    if (this.#peer && this.counted) this.#shared.usage.add(WEBSOCKETS, -1);
    this.#leaveClient();
    const instance = this.#instance;
    this.#instance = undefined;
    if (instance) this.#throttler.leave(instance);
  }

  /** Closes the client's connection once it has read what was written to it, or after {@link LINGER_MS}. */
  #leaveClient(): void {
    const { deadlines } = this.#shared;
    const socket = this.#socket;
    if (socket.closed) {
      this.#shared.closed();
      return;
    }
    deadlines.add(this, LINGER_MS, clock());
    socket.once('close', () => {
      deadlines.remove(this);
      this.#shared.closed();
    });
    socket.destroySoon();
  }
}

guardCallbacks(Tunnel, [
  'start',
  'earlyData',
  'admitted',
  'rejected',
  'expired',
  'fenced',
  'opened',
  'answered',
  'upstreamFailed',
  'ended',
]);

const ignore = (): void => {};

function timeoutError(): Error {
  return Object.assign(new Error('no connection in time'), { code: 'ETIMEDOUT' });
}

function upgradeFields({ headers }: IncomingMessage): FlatHeaders {
  return ['connection', 'upgrade', 'upgrade', headers.upgrade ?? ''];
}

function startLines(response: IncomingMessage, headers: FlatHeaders): string {
  let lines = `HTTP/1.1 ${response.statusCode} ${response.statusMessage ?? ''}\r\n`;
  for (let i = 0; i < headers.length; i += 2) lines += `${headers[i]}: ${headers[i + 1]}\r\n`;
  return `${lines}\r\n`;
}
