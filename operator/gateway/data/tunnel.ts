import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { clock } from '../shared/clock.ts';
import { waitingBytes } from '../shared/limits.ts';
import { REJECTIONS, type RejectionReason } from '../shared/rejections.ts';
import { WEBSOCKETS } from '../shared/usage.ts';
import { bindClient } from './affinity.ts';
import { rejectSocket, resetSocket } from './downstream/socket.ts';
import { refusalFields, upgradeFields, writeHead } from './downstream/upgradeResponse.ts';
import { EarlyBytes, MAX_EARLY_BYTES } from './earlyBytes.ts';
import { CLOSE_MS, deadlineMessage, type ExchangeShared } from './exchangeShared.ts';
import { guardCallbacks } from './guard.ts';
import type { FlatHeaders, RequestHead } from './headers.ts';
import type { Source } from './queue.ts';
import { type QueueRejection, rejectionOf } from './queueRejections.ts';
import { responseHead } from './responseHead.ts';
import type { Throttler } from './throttler.ts';
import { UpgradedConnection } from './upgradedConnection.ts';
import { UpgradeRequest } from './upgradeRequest.ts';
import type { Instance } from './upstream/instance.ts';

/** How long a client may take to read the rest of what was written to it. */
const LINGER_MS = 5000;

/**
 * A request that asks to leave HTTP (WebSocket and any other Upgrade): once the instance agrees, bytes are forwarded
 * both ways. It is one request in flight from its arrival until either side closes or timeoutSeconds have passed.
 */
export class Tunnel extends UpgradeRequest {
  readonly weight: number;
  readonly #socket: Socket;
  readonly #early: EarlyBytes;
  #upgraded: UpgradedConnection | undefined;
  #closing = false;

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
    super(request, path, head, throttler, shared, source);
    this.#socket = socket;
    this.weight = waitingBytes(head.bytes, MAX_EARLY_BYTES);
    this.#early = new EarlyBytes(socket, early);
  }

  start(): void {
    this.begin();
    this.#socket.on('end', this.#onEnd).on('close', this.#onEnd);
    const instance = this.enter();
    if (instance) this.admitted(instance);
  }

  rejected(why: QueueRejection): void {
    const { reason, message } = rejectionOf(why, this.throttler.entry.failing);
    this.reject(reason, message);
  }

  /** Its connection is read while it waits, so an event reports that the client has left. */
  checkClient(): void {}

  /** A WebSocket gets close frames (RFC 6455, 7.1.1); a second later the connections are destroyed. */
  expired(): void {
    if (this.done) {
      this.#socket.destroy();
      return;
    }
    if (this.status === 0) {
      if (!this.instance && this.throttler.isFailing) this.rejected('failing');
      else this.reject('deadline', deadlineMessage(this.throttler));
      return;
    }
    if (this.#closing || !this.#upgraded?.close()) {
      this.finish();
      return;
    }
    this.#closing = true;
    this.shared.deadlines.add(this, CLOSE_MS, clock());
  }

  /** The gateway ends: as at the deadline. */
  goAway(): void {
    this.shared.deadlines.remove(this);
    this.expired();
  }

  abort(): void {
    this.finish();
    this.#socket.destroy();
  }

  /** Another gateway may take over: its request in an instance must end. */
  fenced(): void {
    if (this.isFenced) this.finish();
  }

  /** The instance agreed: connects both sides. */
  opened(response: IncomingMessage, peer: Socket, head: Buffer): void {
    peer.on('error', ignore);
    if (this.done) {
      peer.destroy();
      return;
    }
    if (this.counted) this.shared.usage.add(WEBSOCKETS, 1);
    this.shared.upgraded.add(this);
    this.#respond(response, upgradeFields(response));
    const socket = this.#socket.off('end', this.#onEnd).off('close', this.#onEnd);
    const isWebSocket = /^websocket$/i.test(response.headers.upgrade ?? '');
    this.#upgraded = new UpgradedConnection(socket, peer, isWebSocket, this.#onEnd);
    this.#upgraded.start(this.#early.take(), head);
  }

  /** The instance responded as to any other request; the connection ends with its response. */
  answered(response: IncomingMessage): void {
    response.on('error', () => this.responseBroken());
    if (this.done) {
      response.destroy();
      return;
    }
    const { statusCode = 0 } = response;
    if (statusCode < 200 || statusCode > 599) {
      this.reject('bad_response', `The instance answered an upgrade with the status ${statusCode} alone.`);
      return;
    }
    this.#respond(response, refusalFields(response));
    response.pipe(this.#socket);
    // Its slot is free then, whether the client closes its side or not.
    response.on('end', this.#onEnd);
  }

  /** The response of the instance broke off; its length need not show that. */
  responseBroken(): void {
    if (this.done) return;
    this.countError('response_broken');
    resetSocket(this.#socket);
    this.finish();
  }

  /** One side has closed its connection. */
  ended(): void {
    if (!this.done && this.status === 0) {
      if (this.counted) this.shared.usage.count('clientLeft');
      this.countError('client_left');
    }
    this.finish();
  }

  onError(error: unknown): void {
    this.shared.onError(error);
    this.finish();
  }

  readonly #onEnd = (): void => this.ended();

  /** Begins the response with that of the instance. @param fields those of this hop. */
  #respond(response: IncomingMessage, fields: FlatHeaders): void {
    const instance = this.instance as Instance;
    this.status = response.statusCode as number;
    this.answeredAt = clock();
    this.countAnswer(instance);
    const head = responseHead(response.rawHeaders);
    bindClient(head, this.head, instance);
    writeHead(this.#socket, response, [...head.headers, ...fields]);
  }

  #record(now: number): void {
    const exchanged = {
      method: this.request.method as string,
      target: this.path,
      protocol: `HTTP/${this.request.httpVersion}`,
      head: this.head,
      status: this.status,
      requestBytes: this.#upgraded?.forwarded ?? 0,
      responseBytes: this.#socket.bytesWritten,
    };
    this.record(exchanged, this.instance, now);
  }

  protected reject(reason: RejectionReason, message: string): void {
    if (this.done) return;
    this.status = REJECTIONS[reason];
    this.shared.usage.count(reason);
    this.countHere(clock());
    this.countError(reason);
    rejectSocket(this.#socket, this.status, message);
    this.finish();
  }

  protected finish(): void {
    if (this.done) return;
    this.done = true;
    this.throttler.remove(this);
    const now = this.countEnd();
    if (this.isRecorded(this.head)) this.#record(now);
    this.#early.take();
    this.upstream?.destroy();
    this.#upgraded?.cut();
    if (this.#upgraded && this.counted) this.shared.usage.add(WEBSOCKETS, -1);
    this.#leaveClient();
    const instance = this.instance;
    this.instance = undefined;
    if (instance) this.throttler.leave(instance);
  }

  /** Closes the client's connection once it has read what was written to it, or after {@link LINGER_MS}. */
  #leaveClient(): void {
    const { deadlines } = this.shared;
    const socket = this.#socket;
    if (socket.closed) {
      this.#left();
      return;
    }
    deadlines.add(this, LINGER_MS, clock());
    socket.once('close', () => this.#left());
    socket.destroySoon();
  }

  /** The client's connection is closed. */
  #left(): void {
    this.shared.deadlines.remove(this);
    this.shared.upgraded.delete(this);
    this.shared.closed();
  }
}

guardCallbacks(Tunnel, [
  'start',
  'admitted',
  'connected',
  'rejected',
  'expired',
  'fenced',
  'goAway',
  'abort',
  'opened',
  'answered',
  'responseBroken',
  'upstreamFailed',
  'ended',
]);

const ignore = (): void => {};
