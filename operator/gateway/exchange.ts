import type { Budget } from './budget.ts';
import { clock } from './clock.ts';
import type { Deadlines, Timed } from './deadlines.ts';
import type { Downstream, DownstreamEvents } from './downstream/downstream.ts';
import type { FlatHeaders } from './headers.ts';
import { largeHeadBytes, waitingBytes } from './limits.ts';
import type { Place, Source } from './line.ts';
import { REJECTIONS } from './rejections.ts';
import type { Stalled, StalledAnswers } from './stalled.ts';
import type { StatsWriter } from './stats.ts';
import type { Rejection, Throttler, Waiter } from './throttler.ts';
import { failureOf } from './upstream/errors.ts';
import type { Instance } from './upstream/instance.ts';
import type { UpstreamCall, UpstreamEvents } from './upstream/upstream.ts';

/** What the exchanges of one thread share. */
export interface ExchangeShared {
  readonly stats: StatsWriter;
  readonly deadlines: Deadlines;
  /** Memory for requests. */
  readonly requests: Budget;
  readonly stalled: StalledAnswers;
  /** An instance does not accept connections: it is set aside until it passes its probe again. */
  refused(throttler: Throttler, instance: Instance, reason: string): void;
  /** Counts a request that a limit refused. */
  refusedFor(why: Rejection): void;
  /** Counts requests in this thread, for the drain. */
  opened(): void;
  closed(): void;
}

const QUEUED = 0;
const CONNECTING = 1;
const SENT = 2;
const ANSWERING = 3;
const DONE = 4;
type Phase = typeof QUEUED | typeof CONNECTING | typeof SENT | typeof ANSWERING | typeof DONE;

/** Of an answer that has ended, less than this is not worth counting until the client has it. */
const NOTABLE_BYTES = 16 * 1024;

/** What a connection to an instance holds that was paused: one read of a socket. */
const UPSTREAM_BYTES = 64 * 1024;

/** Connections that break before they are used; one retry each is right, an endless loop is not. */
const MAX_BROKEN_ATTEMPTS = 3;

/**
 * One request from its arrival to its end: waits for an instance, is sent to it, is answered; counted once and given
 * back once, whatever happens. It is sent a second time only when no byte of it can have reached a program.
 */
export class Exchange implements Waiter, Timed, Stalled, DownstreamEvents, UpstreamEvents {
  readonly downstream: Downstream;
  readonly arrivedAt = clock();
  readonly #throttler: Throttler;
  readonly #shared: ExchangeShared;
  #phase: Phase = QUEUED;
  #instance: Instance | undefined;
  #call: UpstreamCall | undefined;
  #brokenAttempts = 0;
  #status = 0;
  /** The answer says how long it is. */
  #sized = false;

  readonly source: Source;
  readonly weight: number;
  place: Place<Waiter> | undefined;
  /** Bytes of a large header section, which are held until the end. */
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

  get unsent(): number {
    return this.downstream.unsent + (this.#call ? UPSTREAM_BYTES : 0);
  }

  start(): void {
    this.#shared.stats.begin(this.#throttler.entry.index, this.arrivedAt);
    this.#shared.opened();
    this.downstream.attach(this);
    if (this.#headBytes > 0 && !this.#shared.requests.take(this.revision, this.#headBytes)) {
      this.#headBytes = 0;
      this.rejected('memory');
      return;
    }
    const instance = this.#throttler.enter(this);
    if (instance) this.admitted(instance);
  }

  admitted(instance: Instance): void {
    this.#phase = CONNECTING;
    this.#instance = instance;
    const call = instance.upstream.send(this);
    // An upstream may fail or be refused before send() returns; the exchange may even have another call by then.
    if (this.#instance === instance && (this.#phase as Phase) !== DONE) this.#call = call;
  }

  rejected(why: Rejection): void {
    const { status, message, retryAfterSeconds } = REJECTIONS[why];
    this.#shared.refusedFor(why);
    this.#refuse(status, message, retryAfterSeconds);
  }

  /** The request is on its way to the program: its time runs (container contract, timeoutSeconds). */
  sent(): void {
    if (this.#phase !== CONNECTING) return;
    this.#phase = SENT;
    this.#shared.deadlines.add(this, this.#throttler.entry.timeoutMs, clock());
    if (this.downstream.head.expectsContinue) this.downstream.proceed();
  }

  information(status: number, headers: FlatHeaders): void {
    if (this.#phase === SENT) this.downstream.information(status, headers);
  }

  responseStart(status: number, reason: string, headers: FlatHeaders, contentLength: number): void {
    if (this.#phase !== SENT) return;
    this.#phase = ANSWERING;
    this.#status = status;
    this.#sized = contentLength >= 0;
    this.downstream.start(status, reason, headers, contentLength);
  }

  responseData(chunk: Buffer): boolean {
    if (this.#phase !== ANSWERING) return true;
    const more = this.downstream.data(chunk);
    if (!more) this.#shared.stalled.add(this);
    return more;
  }

  responseEnd(trailers: FlatHeaders | undefined): void {
    if (this.#phase !== ANSWERING) return;
    this.downstream.end(trailers);
    this.#finish();
    if (this.downstream.unsent > NOTABLE_BYTES) this.#shared.stalled.add(this);
  }

  upstreamFailed(error: Error, begun: boolean): void {
    if (this.#phase === DONE || this.#phase === QUEUED) return;
    const failure = failureOf(error);
    if (failure === 'bad-request') {
      this.#refuse(400, 'The request cannot be passed on: its headers or path are malformed.');
      return;
    }
    if (!begun) {
      this.#again(failure === 'unreachable', error.message);
      return;
    }
    if (this.#phase === ANSWERING) {
      this.#cut();
      return;
    }
    if (failure === 'bad-answer') this.#refuse(502, 'The instance sent an answer that is not valid HTTP.');
    else this.#refuse(500, 'The instance ended before it answered the request.');
  }

  drained(): void {
    this.#shared.stalled.remove(this);
    this.#call?.resume();
  }

  /** The client takes its answer too slowly, and the memory is needed. */
  breakOff(): void {
    if (this.#phase === DONE) {
      this.downstream.cut();
      return;
    }
    this.#abandon();
    this.#cut();
  }

  gone(): void {
    this.#shared.stalled.remove(this);
    if (this.#phase === DONE) return;
    this.#throttler.remove(this);
    this.#abandon();
    this.#finish();
  }

  /**
   * The time is over. An answer of unknown length that has begun ends where it is, as on Cloud Run (Knative conformance,
   * TestRevisionTimeout/writes_first_byte_before_timeout); one that would be shorter than it says is broken off.
   */
  expired(): void {
    const answering = this.#phase === ANSWERING;
    this.#abandon();
    if (answering && this.#sized) this.#cut();
    else if (answering) {
      this.downstream.end(undefined);
      this.#finish();
    } else {
      const seconds = this.#throttler.entry.timeoutMs / 1000;
      this.#refuse(504, `The instance did not answer within ${seconds} seconds.`);
    }
  }

  /** No byte of the request was sent: another instance takes it, or the first place in line. */
  #again(unreachable: boolean, reason: string): void {
    const instance = this.#instance as Instance;
    this.#instance = undefined;
    this.#call = undefined;
    this.#phase = QUEUED;
    if (unreachable) this.#shared.refused(this.#throttler, instance, reason);
    else this.#brokenAttempts++;
    if (this.#brokenAttempts > MAX_BROKEN_ATTEMPTS) {
      this.#throttler.leave(instance);
      this.#refuse(503, 'No connection to the instance could be made.');
      return;
    }
    // In line before the place is given back, so that it goes to this request and not to one that came later.
    this.#throttler.reenter(this);
    this.#throttler.leave(instance);
  }

  #refuse(status: number, message: string, retryAfterSeconds?: number): void {
    this.#status = status;
    this.downstream.refuse(status, message, retryAfterSeconds);
    this.#finish();
  }

  #cut(): void {
    this.downstream.cut();
    this.#finish();
  }

  /** The instance stops working on the request before its place goes to another. */
  #abandon(): void {
    this.#phase = DONE;
    this.#call?.cancel();
  }

  #finish(): void {
    this.#phase = DONE;
    const { stats, deadlines, requests } = this.#shared;
    deadlines.remove(this);
    if (this.#headBytes > 0) requests.give(this.revision, this.#headBytes);
    this.#headBytes = 0;
    stats.end(this.#throttler.entry.index, this.arrivedAt, clock(), this.#status);
    this.#shared.closed();
    const instance = this.#instance;
    this.#call = undefined;
    this.#instance = undefined;
    if (instance) this.#throttler.leave(instance);
  }
}
