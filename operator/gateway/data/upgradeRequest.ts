import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { clock } from '../shared/clock.ts';
import type { RejectionReason } from '../shared/rejections.ts';
import { upgradeFields } from './downstream/upgradeResponse.ts';
import { BAD_RESPONSE, type ExchangeShared, endedMessage, NO_CONNECTION } from './exchangeShared.ts';
import type { RequestHead } from './headers.ts';
import { markHop } from './hop.ts';
import { InstanceRequest } from './instanceRequest.ts';
import type { Source } from './queue.ts';
import type { Throttler } from './throttler.ts';
import { failureOf } from './upstream/errors.ts';
import type { Instance } from './upstream/instance.ts';
import { requestUpgrade, type UpgradeEvents } from './upstream/upgrade.ts';

/**
 * The way of a request for an upgrade to an instance, as often as it takes: it is sent a second time only when no byte of it
 * can have reached a program.
 */
export abstract class UpgradeRequest extends InstanceRequest implements UpgradeEvents {
  protected readonly request: IncomingMessage;
  protected readonly path: string;
  protected readonly head: RequestHead;
  protected upstream: ClientRequest | undefined;
  protected done = false;
  #connected = false;

  constructor(
    request: IncomingMessage,
    path: string,
    head: RequestHead,
    throttler: Throttler,
    shared: ExchangeShared,
    source: Source,
  ) {
    super(throttler, shared, source);
    this.request = request;
    this.path = path;
    this.head = head;
  }

  abstract opened(response: IncomingMessage, peer: Socket, head: Buffer): void;
  abstract answered(response: IncomingMessage): void;
  /** Responds instead of the instance. */
  protected abstract reject(reason: RejectionReason, message: string): void;
  /** Ends it, unless it has ended. */
  protected abstract finish(): void;

  get affinity(): string | undefined {
    return this.head.affinity;
  }

  admitted(instance: Instance): void {
    this.waitedUntil(clock());
    this.instance = instance;
    this.countSent(instance);
    this.continueTrace(this.head, instance);
    this.#connected = false;
    if (instance.isGateway || this.head.marked) markHop(this.head, instance, this.throttler.entry.key);
    const headers = [...this.head.headers, ...upgradeFields(this.request)];
    const request = { method: this.request.method, path: this.path, headers };
    this.upstream = requestUpgrade(instance, request, this);
  }

  connected(upstream: ClientRequest): void {
    if (upstream !== this.upstream) return;
    this.#connected = true;
    this.sentAt = clock();
  }

  upstreamFailed(upstream: ClientRequest, error: Error): void {
    if (upstream !== this.upstream || this.done) return;
    const failure = failureOf(error);
    if (this.status !== 0) this.finish();
    else if (failure === 'bad-answer') this.reject('bad_response', BAD_RESPONSE);
    else if (this.#connected) this.reject('instance_ended', endedMessage(this.instance as Instance));
    else if (failure !== 'unreachable') this.reject('unreachable', NO_CONNECTION);
    else this.#again(error.message);
  }

  /** No byte of the request was sent: another instance takes it, or it becomes the first in the queue. */
  #again(reason: string): void {
    const instance = this.instance as Instance;
    this.instance = undefined;
    this.upstream = undefined;
    const now = clock();
    this.waitsSince(now);
    this.countHere(now);
    this.shared.unreachable(this.throttler, instance, reason);
    this.throttler.reenter(this);
    this.throttler.leave(instance);
  }
}
