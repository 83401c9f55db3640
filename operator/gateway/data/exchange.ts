import { clock } from '../shared/clock.ts';
import { largeHeadBytes, waitingBytes } from '../shared/limits.ts';
import { REJECTIONS, type RejectionReason } from '../shared/rejections.ts';
import type { ErrorCause } from '../shared/stats.ts';
import { type AccessLog, headerBytes } from './accessLog.ts';
import { bindClient } from './affinity.ts';
import type { Timed } from './deadlines.ts';
import type { Downstream, DownstreamEvents } from './downstream/downstream.ts';
import {
  beginRequest,
  deadlineMessage,
  type ExchangeShared,
  INSTANCE_ENDED,
  isFenced,
  NO_CONNECTION,
} from './exchangeShared.ts';
import { guardCallbacks } from './guard.ts';
import { type FlatHeaders, headerValue } from './headers.ts';
import { markHop } from './hop.ts';
import type { QueueEntry, Source } from './queue.ts';
import { rejectionOf } from './queueRejections.ts';
import { type ResponseHead, trailerFields } from './responseHead.ts';
import { MeasuredRequest } from './stages.ts';
import type { Stalled } from './stalled.ts';
import type { QueueRejection, Throttler, Waiter } from './throttler.ts';
import { completeTrace } from './trace.ts';
import { failureOf } from './upstream/errors.ts';
import type { Instance } from './upstream/instance.ts';
import type { UpstreamCall, UpstreamEvents } from './upstream/upstream.ts';

const QUEUED = 0;
const CONNECTING = 1;
const SENT = 2;
const ANSWERING = 3;
const DONE = 4;
type Phase = typeof QUEUED | typeof CONNECTING | typeof SENT | typeof ANSWERING | typeof DONE;

/** Unread bytes of an ended response are not counted below this. */
const NOTABLE_BYTES = 16 * 1024;
/** Smaller chunks are always written: well below the first read of a response, which contains its head. */
const LARGE_CHUNK_BYTES = 8 * 1024;

/** What a paused connection to an instance holds: one read of a socket. */
const UPSTREAM_BYTES = 64 * 1024;

/** Connections that break before they are used; one retry each is right, an endless loop is not. */
const MAX_BROKEN_ATTEMPTS = 3;
/** gRPC's status for a call whose deadline has passed. */
const GRPC_DEADLINE_EXCEEDED = '4';

/**
 * One request from its arrival to its end: waits for an instance, is sent to it, is answered; counted once and released
 * once, whatever happens. It is sent a second time only when no byte of it can have reached a program, or when that is
 * harmless (RFC 9110, 9.2.2).
 */
export class Exchange
  extends MeasuredRequest
  implements Waiter, Timed, Stalled, DownstreamEvents, UpstreamEvents
{
  readonly downstream: Downstream;
  readonly #throttler: Throttler;
  readonly #shared: ExchangeShared;
  #phase: Phase = QUEUED;
  #instance: Instance | undefined;
  #call: UpstreamCall | undefined;
  #brokenAttempts = 0;
  #repeated = false;
  #status = 0;
  /** Bytes of the response's body that were handed to the client's side. */
  #bodyBytes = 0;
  #head: ResponseHead | undefined;
  #finished = false;

  readonly source: Source;
  readonly weight: number;
  queueEntry: QueueEntry<Waiter> | undefined;
  /** Bytes of a large header section, which is held until the end. */
  #headBytes: number;

  readonly revision: number;
  stalledBytes = 0;
  stalledEarlier: Stalled | undefined;
  stalledLater: Stalled | undefined;

  expiresAt = 0;
  earlier: Timed | undefined;
  later: Timed | undefined;
  deadlineList: Timed['deadlineList'];

  constructor(downstream: Downstream, throttler: Throttler, shared: ExchangeShared, source: Source) {
    super();
    this.downstream = downstream;
    this.#throttler = throttler;
    this.#shared = shared;
    this.source = source;
    this.revision = throttler.entry.index;
    const { head, hasBody } = downstream;
    const body = hasBody ? Math.min(head.contentLength ?? source.window, source.window) : 0;
    this.weight = waitingBytes(head.bytes, body);
    this.#headBytes = largeHeadBytes(head.bytes);
  }

  get affinity(): string | undefined {
    return this.downstream.head.affinity;
  }

  get unsent(): number {
    return this.downstream.unsent + (this.#call ? UPSTREAM_BYTES : 0);
  }

  start(): void {
    beginRequest(this, this.#throttler, this.#shared);
    if (!this.#throttler.forwardsAtOnce) this.countHere(this.arrivedAt, this.#throttler, this.#shared);
    this.downstream.attach(this);
    if (this.#headBytes > 0 && !this.#shared.requests.take(this.revision, this.#headBytes)) {
      this.#headBytes = 0;
      this.rejected('memory');
      return;
    }
    this.waitsSince(this.arrivedAt);
    const instance = this.#throttler.enter(this);
    if (!instance) return;
    this.admittedAtOnce();
    this.#admitted(instance);
  }

  admitted(instance: Instance): void {
    this.waitedUntil(clock());
    this.#admitted(instance);
  }

  rejected(why: QueueRejection): void {
    const { reason, message, retryAfterSeconds } = rejectionOf(why, this.#throttler.entry.failing);
    this.#reject(reason, message, retryAfterSeconds);
  }

  checkClient(): void {
    if (this.downstream.hasBody && this.downstream.wasReset) this.downstream.cut();
  }

  sent(): void {
    if (this.#phase !== CONNECTING) return;
    this.#phase = SENT;
    this.sentAt = clock();
    if (this.downstream.head.expectsContinue) this.downstream.proceed();
  }

  information(status: number, headers: FlatHeaders): void {
    if (this.#phase === SENT) this.downstream.information(status, headers);
  }

  responseStart(status: number, reason: string, head: ResponseHead): void {
    if (this.#phase !== SENT) return;
    this.answeredAt = clock();
    if (status < 200 || status > 599) {
      this.#abandon();
      this.#reject(
        'bad_response',
        `The instance answered with the status ${status}, which HTTP does not have.`,
      );
      return;
    }
    this.#status = status;
    bindClient(head, this.downstream.head, this.#instance as Instance);
    if (!this.downstream.start(status, reason, head)) {
      this.#abandon();
      this.#reject('bad_response', 'The headers of the response are too large for HTTP/2.');
      return;
    }
    this.#head = head;
    this.#phase = ANSWERING;
    this.countAnswer(this.#instance as Instance, this.#throttler, this.#shared);
  }

  responseData(chunk: Buffer): boolean {
    if (this.#phase !== ANSWERING) return true;
    if (chunk.length >= LARGE_CHUNK_BYTES && this.#shared.stalled.saturated) {
      this.#shared.stalled.abort(this);
      return true;
    }
    this.#bodyBytes += chunk.length;
    const more = this.downstream.data(chunk);
    if (!more) this.#shared.stalled.add(this);
    return more;
  }

  responseEnd(trailers: FlatHeaders | undefined): void {
    if (this.#phase !== ANSWERING) return;
    this.downstream.end(trailerFields(trailers));
    this.#throttler.succeeded(this.#instance as Instance);
    this.#finish();
    if (this.downstream.unsent > NOTABLE_BYTES) this.#shared.stalled.add(this);
  }

  upstreamFailed(error: Error, begun: boolean, repeatable: boolean): void {
    if (this.#phase === DONE || this.#phase === QUEUED) return;
    const failure = failureOf(error);
    if (failure === 'bad-request') {
      this.#reject('malformed', 'The request cannot be passed on: its headers or path are malformed.');
    } else if (!begun && this.#repeated && failure === 'unreachable') {
      // It accepts no connection after it got the request, so it did not close an idle connection: it has ended.
      this.#shared.unreachable(this.#throttler, this.#instance as Instance, error.message);
      this.#reject('instance_ended', INSTANCE_ENDED);
    } else if (!begun) {
      this.#again(failure === 'unreachable', error.message);
    } else if (repeatable && !this.#repeated && this.#phase === SENT && failure === 'broken') {
      this.#repeated = true;
      this.#shared.usage.count('repeated');
      this.#send(this.#instance as Instance, true);
    } else {
      this.#throttler.failed(this.#instance as Instance);
      if (this.#phase === ANSWERING) this.#cut();
      else if (failure === 'bad-answer')
        this.#reject('bad_response', 'The instance sent a response that is not valid HTTP.');
      else this.#reject('instance_ended', INSTANCE_ENDED);
    }
  }

  drained(): void {
    this.#shared.stalled.remove(this);
    this.#call?.resume();
  }

  /** The client reads its response too slowly, and the memory is needed. */
  abort(): void {
    if (this.#phase === DONE) {
      this.downstream.cut();
      return;
    }
    this.#abandon();
    this.#cut();
  }

  /** Another gateway may take over: its request in an instance must end. */
  fenced(): void {
    if (this.#instance && isFenced(this.#instance, this.#throttler)) this.abort();
  }

  /** The client has the whole response, or has left. */
  gone(): void {
    this.#shared.stalled.remove(this);
    this.#shared.closed();
    if (this.#phase === DONE) return;
    if (this.counted) this.#shared.usage.count('clientLeft');
    this.#failed('client_left');
    this.#throttler.remove(this);
    this.#abandon();
    this.#finish();
  }

  /**
   * The deadline has passed. A response of unknown length that has begun ends where it is, as on Cloud Run (Knative
   * conformance, TestRevisionTimeout/writes_first_byte_before_timeout); one that would be shorter than announced is
   * aborted, and a gRPC call gets its status.
   */
  expired(): void {
    this.#throttler.remove(this);
    if (this.#phase === QUEUED && this.#throttler.isFailing) {
      this.rejected('failing');
      return;
    }
    const answering = this.#phase === ANSWERING;
    this.#abandon();
    if (!answering) {
      this.#reject('deadline', deadlineMessage(this.#throttler));
      return;
    }
    const { contentLength, headers } = this.#head as ResponseHead;
    if (headerValue(headers, 'content-type')?.startsWith('application/grpc')) {
      if (!this.downstream.takesTrailers) {
        this.#cut();
        return;
      }
      const message = `The call was not over within ${this.#throttler.entry.timeoutMs / 1000} seconds.`;
      this.#failed('response_broken');
      this.downstream.end(['grpc-status', GRPC_DEADLINE_EXCEEDED, 'grpc-message', message]);
    } else if (contentLength >= 0) {
      this.#cut();
      return;
    } else {
      this.#failed('response_broken');
      this.downstream.end(undefined);
    }
    this.#finish();
  }

  /** An internal error, or a response that cannot be written: it ends this exchange alone. */
  onError(error: unknown): void {
    const { downstream } = this;
    const answered = this.#phase >= ANSWERING || downstream.begun;
    this.#shared.onError(error);
    try {
      this.#throttler.remove(this);
      this.#abandon();
      if (answered) this.#cut();
      else this.#reject('bad_response', 'The response of the instance cannot be passed on.');
    } catch {
      downstream.cut();
    } finally {
      this.#finish();
    }
  }

  #admitted(instance: Instance): void {
    this.#instance = instance;
    this.countSent(instance, this.#throttler, this.#shared);
    completeTrace(this.downstream.head, instance, this.arrivedAt);
    this.#send(instance, false);
  }

  #send(instance: Instance, fresh: boolean): void {
    this.#phase = CONNECTING;
    this.#call = undefined;
    const { head } = this.downstream;
    if (instance.isGateway || head.marked) markHop(head, instance, this.#throttler.entry.key);
    const call = instance.upstream.send(this, fresh);
    // An upstream may fail or be unreachable before send() returns; the exchange may even have another call by then.
    if (this.#instance === instance && (this.#phase as Phase) !== DONE) this.#call = call;
  }

  /** No byte of the request was sent: another instance takes it, or it becomes the first in the queue. */
  #again(unreachable: boolean, reason: string): void {
    const instance = this.#instance as Instance;
    this.#instance = undefined;
    this.#call = undefined;
    this.#phase = QUEUED;
    const now = clock();
    this.waitsSince(now);
    this.countHere(now, this.#throttler, this.#shared);
    if (unreachable) this.#shared.unreachable(this.#throttler, instance, reason);
    else this.#brokenAttempts++;
    if (this.#brokenAttempts > MAX_BROKEN_ATTEMPTS) {
      this.#throttler.leave(instance);
      this.#reject('unreachable', NO_CONNECTION);
      return;
    }
    // Connections to the client's own instance break: another may be better than none.
    if (this.#brokenAttempts > 1) this.downstream.head.affinity = undefined;
    // Queued before the slot is released, so that the slot goes to this request and not to a later one.
    this.#throttler.reenter(this);
    this.#throttler.leave(instance);
  }

  #reject(reason: RejectionReason, message: string, retryAfterSeconds?: number): void {
    this.#status = REJECTIONS[reason];
    this.#phase = DONE;
    this.#shared.usage.count(reason);
    if (!this.#finished) this.countHere(clock(), this.#throttler, this.#shared);
    this.#failed(reason);
    this.#bodyBytes = message.length + 1;
    this.downstream.reject(this.#status, message, retryAfterSeconds);
    this.#finish();
  }

  #failed(cause: ErrorCause): void {
    if (!this.#finished) this.countError(cause, this.#throttler, this.#shared);
  }

  #cut(): void {
    this.#failed('response_broken');
    this.downstream.cut();
    this.#finish();
  }

  /** The instance stops working on the request before its slot goes to another. */
  #abandon(): void {
    this.#phase = DONE;
    const call = this.#call;
    this.#call = undefined;
    call?.cancel();
  }

  #finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#phase = DONE;
    const { deadlines, requests } = this.#shared;
    deadlines.remove(this);
    if (this.#headBytes > 0) requests.give(this.revision, this.#headBytes);
    this.#headBytes = 0;
    const instance = this.#instance;
    this.#call = undefined;
    this.#instance = undefined;
    const now = clock();
    this.waitedUntil(now);
    this.countEnd(now, this.#status, this.#throttler, this.#shared);
    if (this.#shared.accessLog) this.#log(this.#shared.accessLog, instance, now);
    if (instance) this.#throttler.leave(instance);
  }

  #log(log: AccessLog, instance: Instance | undefined, now: number): void {
    const { method, path, protocol, head, forwarded } = this.downstream;
    const exchanged = {
      method,
      target: path,
      protocol,
      head,
      status: this.#status,
      requestBytes: forwarded,
      responseBytes: headerBytes(this.#head?.headers) + this.#bodyBytes,
    };
    this.log(log, exchanged, this.#throttler, instance, now);
  }
}

guardCallbacks(Exchange, [
  'start',
  'admitted',
  'rejected',
  'checkClient',
  'sent',
  'information',
  'responseStart',
  'responseData',
  'responseEnd',
  'upstreamFailed',
  'drained',
  'gone',
  'expired',
  'fenced',
]);
