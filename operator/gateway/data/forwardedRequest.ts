import { clock } from '../shared/clock.ts';
import type { RejectionReason } from '../shared/rejections.ts';
import type { Downstream } from './downstream/downstream.ts';
import { BAD_RESPONSE, endedMessage, NO_CONNECTION } from './exchangeShared.ts';
import type { FlatHeaders } from './headers.ts';
import { markHop } from './hop.ts';
import { InstanceRequest } from './instanceRequest.ts';
import type { ResponseHead } from './responseHead.ts';
import { failureOf } from './upstream/errors.ts';
import type { Instance } from './upstream/instance.ts';
import type { UpstreamCall, UpstreamEvents } from './upstream/upstream.ts';

export const QUEUED = 0;
const CONNECTING = 1;
export const SENT = 2;
export const ANSWERING = 3;
export const DONE = 4;
type Phase = typeof QUEUED | typeof CONNECTING | typeof SENT | typeof ANSWERING | typeof DONE;

/** Connections that break before they are used; one retry each is right, an endless loop is not. */
const MAX_BROKEN_ATTEMPTS = 3;

/**
 * The way of a request to an instance, as often as it takes: it is sent a second time only when no byte of it can have reached a
 * program, or when that is harmless (RFC 9110, 9.2.2).
 */
export abstract class ForwardedRequest extends InstanceRequest implements UpstreamEvents {
  abstract readonly downstream: Downstream;
  protected phase: Phase = QUEUED;
  protected call: UpstreamCall | undefined;
  #brokenAttempts = 0;
  #repeated = false;

  abstract responseStart(status: number, reason: string, head: ResponseHead): void;
  abstract responseData(chunk: Buffer): boolean;
  abstract responseEnd(trailers: FlatHeaders | undefined): void;
  /** Responds instead of the instance. */
  protected abstract reject(reason: RejectionReason, message: string, retryAfterSeconds?: number): void;
  /** Breaks off the response that has begun. */
  protected abstract cut(): void;

  get affinity(): string | undefined {
    return this.downstream.head.affinity;
  }

  admitted(instance: Instance): void {
    this.waitedUntil(clock());
    this.forward(instance);
  }

  /** Sends it to an instance in which it has a slot. */
  protected forward(instance: Instance): void {
    this.instance = instance;
    this.countSent(instance);
    this.continueTrace(this.downstream.head, instance);
    this.#send(instance, false);
  }

  sent(): void {
    if (this.phase !== CONNECTING) return;
    this.phase = SENT;
    this.sentAt = clock();
    if (this.downstream.head.expectsContinue) this.downstream.proceed();
  }

  information(status: number, headers: FlatHeaders): void {
    if (this.phase === SENT) this.downstream.information(status, headers);
  }

  upstreamFailed(error: Error, begun: boolean, repeatable: boolean): void {
    if (this.phase === DONE || this.phase === QUEUED) return;
    const failure = failureOf(error);
    const instance = this.instance as Instance;
    if (failure === 'bad-request') {
      this.reject('malformed', 'The request cannot be passed on: its headers or path are malformed.');
    } else if (!begun && this.#repeated && failure === 'unreachable' && !instance.isGateway) {
      // It accepts no connection after it got the request, so it did not close an idle connection: it has ended.
      this.shared.unreachable(this.throttler, instance, error.message);
      this.reject('instance_ended', endedMessage(instance));
    } else if (!begun) {
      this.#again(failure === 'unreachable', error.message);
    } else if (repeatable && !this.#repeated && this.phase === SENT && failure === 'broken') {
      this.#repeated = true;
      this.shared.usage.count('repeated');
      this.#send(instance, true);
    } else {
      this.throttler.failed(instance);
      if (this.phase === ANSWERING) this.cut();
      else if (failure === 'bad-answer') this.reject('bad_response', BAD_RESPONSE);
      else this.reject('instance_ended', endedMessage(instance));
    }
  }

  /** The instance stops working on the request before its slot goes to another. */
  protected abandon(): void {
    this.phase = DONE;
    const { call } = this;
    this.call = undefined;
    call?.cancel();
  }

  #send(instance: Instance, fresh: boolean): void {
    this.phase = CONNECTING;
    this.call = undefined;
    const { head } = this.downstream;
    if (instance.isGateway || head.marked) markHop(head, instance, this.throttler.entry.key);
    const call = instance.upstream.send(this, fresh);
    // An upstream may fail or be unreachable before send() returns; the exchange may even have another call by then.
    if (this.instance === instance && (this.phase as Phase) !== DONE) this.call = call;
  }

  /** No byte of the request was sent: another instance takes it, or it becomes the first in the queue. */
  #again(unreachable: boolean, reason: string): void {
    const instance = this.instance as Instance;
    this.instance = undefined;
    this.call = undefined;
    this.phase = QUEUED;
    const now = clock();
    this.waitsSince(now);
    this.countHere(now);
    if (unreachable) this.shared.unreachable(this.throttler, instance, reason);
    else this.#brokenAttempts++;
    if (this.#brokenAttempts > MAX_BROKEN_ATTEMPTS) {
      this.throttler.leave(instance);
      this.reject('unreachable', NO_CONNECTION);
      return;
    }
    // Connections to the client's own instance break: another may be better than none.
    if (this.#brokenAttempts > 1) this.downstream.head.affinity = undefined;
    // Queued before the slot is released, so that the slot goes to this request and not to a later one.
    this.throttler.reenter(this);
    this.throttler.leave(instance);
  }
}
