import { clock } from '../shared/clock.ts';
import { largeHeadBytes, waitingBytes } from '../shared/limits.ts';
import { REJECTIONS, type RejectionReason } from '../shared/rejections.ts';
import type { ErrorCause } from '../shared/stats.ts';
import { headerBytes } from './accessLog.ts';
import { bindClient } from './affinity.ts';
import type { Downstream, DownstreamEvents } from './downstream/downstream.ts';
import { deadlineMessage, type ExchangeShared } from './exchangeShared.ts';
import { ANSWERING, DONE, ForwardedRequest, QUEUED, SENT } from './forwardedRequest.ts';
import { guardCallbacks } from './guard.ts';
import { type FlatHeaders, headerValue } from './headers.ts';
import type { Source } from './queue.ts';
import { type QueueRejection, rejectionOf } from './queueRejections.ts';
import { type ResponseHead, trailerFields } from './responseHead.ts';
import type { Stalled } from './stalled.ts';
import type { Throttler } from './throttler.ts';
import type { Instance } from './upstream/instance.ts';

/** Unread bytes of an ended response are not counted below this. */
const NOTABLE_BYTES = 16 * 1024;
/** Smaller chunks are always written: well below the first read of a response, which contains its head. */
const LARGE_CHUNK_BYTES = 8 * 1024;

/** What a paused connection to an instance holds: one read of a socket. */
const UPSTREAM_BYTES = 64 * 1024;

/** gRPC's status for a call whose deadline has passed. */
const GRPC_DEADLINE_EXCEEDED = '4';

/**
 * One request from its arrival to its end: waits for an instance, is sent to it, is answered; counted once and released
 * once, whatever happens.
 */
export class Exchange extends ForwardedRequest implements Stalled, DownstreamEvents {
  readonly downstream: Downstream;
  readonly weight: number;
  /** Bytes of a large header section, which is held until the end. */
  #headBytes: number;
  #head: ResponseHead | undefined;
  /** Bytes of the response's body that were handed to the client's side. */
  #bodyBytes = 0;
  #finished = false;

  readonly revision: number;
  stalledBytes = 0;
  stalledEarlier: Stalled | undefined;
  stalledLater: Stalled | undefined;

  constructor(downstream: Downstream, throttler: Throttler, shared: ExchangeShared, source: Source) {
    super(throttler, shared, source);
    this.downstream = downstream;
    this.revision = throttler.entry.index;
    const { head, hasBody } = downstream;
    const body = hasBody ? Math.min(head.contentLength ?? source.window, source.window) : 0;
    this.weight = waitingBytes(head.bytes, body);
    this.#headBytes = largeHeadBytes(head.bytes);
  }

  get unsent(): number {
    return this.downstream.unsent + (this.call ? UPSTREAM_BYTES : 0);
  }

  start(): void {
    this.begin();
    this.downstream.attach(this);
    if (this.#headBytes > 0 && !this.shared.requests.take(this.revision, this.#headBytes)) {
      this.#headBytes = 0;
      this.rejected('memory');
      return;
    }
    const instance = this.enter();
    if (instance) this.forward(instance);
  }

  rejected(why: QueueRejection): void {
    const { reason, message, retryAfterSeconds } = rejectionOf(why, this.throttler.entry.failing);
    this.reject(reason, message, retryAfterSeconds);
  }

  checkClient(): void {
    if (this.downstream.hasBody && this.downstream.wasReset) this.downstream.cut();
  }

  responseStart(status: number, reason: string, head: ResponseHead): void {
    if (this.phase !== SENT) return;
    this.answeredAt = clock();
    if (status < 200 || status > 599) {
      this.abandon();
      this.reject(
        'bad_response',
        `The instance answered with the status ${status}, which HTTP does not have.`,
      );
      return;
    }
    this.status = status;
    bindClient(head, this.downstream.head, this.instance as Instance);
    if (!this.downstream.start(status, reason, head)) {
      this.abandon();
      this.reject('bad_response', 'The headers of the response are too large for HTTP/2.');
      return;
    }
    this.#head = head;
    this.phase = ANSWERING;
    this.countAnswer(this.instance as Instance);
  }

  responseData(chunk: Buffer): boolean {
    if (this.phase !== ANSWERING) return true;
    if (chunk.length >= LARGE_CHUNK_BYTES && this.shared.stalled.saturated) {
      this.shared.stalled.abort(this);
      return true;
    }
    this.#bodyBytes += chunk.length;
    const more = this.downstream.data(chunk);
    if (!more) this.shared.stalled.add(this);
    return more;
  }

  responseEnd(trailers: FlatHeaders | undefined): void {
    if (this.phase !== ANSWERING) return;
    this.downstream.end(trailerFields(trailers));
    this.throttler.succeeded(this.instance as Instance);
    this.#finish();
    if (this.downstream.unsent > NOTABLE_BYTES) this.shared.stalled.add(this);
  }

  drained(): void {
    this.shared.stalled.remove(this);
    this.call?.resume();
  }

  /** The client reads its response too slowly, and the memory is needed. */
  abort(): void {
    if (this.phase === DONE) {
      this.downstream.cut();
      return;
    }
    this.abandon();
    this.cut();
  }

  /** Another gateway may take over: its request in an instance must end. */
  fenced(): void {
    if (this.isFenced) this.abort();
  }

  /** The client has the whole response, or has left. */
  gone(): void {
    this.shared.stalled.remove(this);
    this.shared.closed();
    if (this.phase === DONE) return;
    if (this.counted) this.shared.usage.count('clientLeft');
    this.#failed('client_left');
    this.throttler.remove(this);
    this.abandon();
    this.#finish();
  }

  /**
   * The deadline has passed. A response of unknown length that has begun ends where it is, as on Cloud Run (Knative
   * conformance, TestRevisionTimeout/writes_first_byte_before_timeout); one that would be shorter than announced is
   * aborted, and a gRPC call gets its status.
   */
  expired(): void {
    this.throttler.remove(this);
    if (this.phase === QUEUED && this.throttler.isFailing) {
      this.rejected('failing');
      return;
    }
    const answering = this.phase === ANSWERING;
    this.abandon();
    if (!answering) {
      this.reject('deadline', deadlineMessage(this.throttler));
      return;
    }
    const { contentLength, headers } = this.#head as ResponseHead;
    if (headerValue(headers, 'content-type')?.startsWith('application/grpc')) {
      if (!this.downstream.takesTrailers) {
        this.cut();
        return;
      }
      const message = `The call was not over within ${this.throttler.entry.timeoutMs / 1000} seconds.`;
      this.#failed('response_broken');
      this.downstream.end(['grpc-status', GRPC_DEADLINE_EXCEEDED, 'grpc-message', message]);
    } else if (contentLength >= 0) {
      this.cut();
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
    const answered = this.phase >= ANSWERING || downstream.begun;
    this.shared.onError(error);
    try {
      this.throttler.remove(this);
      this.abandon();
      if (answered) this.cut();
      else this.reject('bad_response', 'The response of the instance cannot be passed on.');
    } catch {
      downstream.cut();
    } finally {
      this.#finish();
    }
  }

  protected reject(reason: RejectionReason, message: string, retryAfterSeconds?: number): void {
    this.status = REJECTIONS[reason];
    this.phase = DONE;
    this.shared.usage.count(reason);
    if (!this.#finished) this.countHere(clock());
    this.#failed(reason);
    this.#bodyBytes = message.length + 1;
    this.downstream.reject(this.status, message, retryAfterSeconds);
    this.#finish();
  }

  #failed(cause: ErrorCause): void {
    if (!this.#finished) this.countError(cause);
  }

  protected cut(): void {
    this.#failed('response_broken');
    this.downstream.cut();
    this.#finish();
  }

  #finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    this.phase = DONE;
    if (this.#headBytes > 0) this.shared.requests.give(this.revision, this.#headBytes);
    this.#headBytes = 0;
    const { instance } = this;
    this.call = undefined;
    this.instance = undefined;
    const now = this.countEnd();
    if (this.isRecorded(this.downstream.head)) this.#record(instance, now);
    if (instance) this.throttler.leave(instance);
  }

  #record(instance: Instance | undefined, now: number): void {
    const { method, path, protocol, head, forwarded } = this.downstream;
    const exchanged = {
      method,
      target: path,
      protocol,
      head,
      status: this.status,
      requestBytes: forwarded,
      responseBytes: headerBytes(this.#head?.headers) + this.#bodyBytes,
    };
    this.record(exchanged, instance, now);
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
