import { clock } from '../shared/clock.ts';
import type { ErrorCause, Stages } from '../shared/stats.ts';
import type { Exchanged } from './accessLog.ts';
import type { Timed } from './deadlines.ts';
import type { ExchangeShared } from './exchangeShared.ts';
import type { RequestHead } from './headers.ts';
import type { QueueEntry, Source } from './queue.ts';
import type { QueueRejection } from './queueRejections.ts';
import type { Throttler, Waiter } from './throttler.ts';
import { completeTrace } from './trace.ts';
import type { Instance } from './upstream/instance.ts';

/** The gateway that a request is forwarded to ends it at its deadline, and has this long for it. */
const FORWARDED_MS = 1000;

/**
 * A request for an instance: it may have to wait for one, it has a deadline, and it is measured. A base class, so that this
 * costs no object of its own.
 */
export abstract class InstanceRequest implements Stages, Waiter, Timed {
  readonly arrivedAt = clock();
  queuedMs = 0;
  sentAt = 0;
  answeredAt = 0;
  readonly source: Source;
  abstract readonly weight: number;
  queueEntry: QueueEntry<Waiter> | undefined;
  expiresAt = 0;
  earlier: Timed | undefined;
  later: Timed | undefined;
  deadlineList: Timed['deadlineList'];
  protected readonly throttler: Throttler;
  protected readonly shared: ExchangeShared;
  /** In which it has a slot. */
  protected instance: Instance | undefined;
  /** Of the response; 0 before there is one. */
  protected status = 0;
  /** It counts where it waits and is sent to an instance: not here while the gateway that owns its revision has it. */
  protected counted = false;
  /** Why it did not get the whole response of an instance. */
  #error: ErrorCause | undefined;
  /** Since when it waits for an instance; 0 when it does not. */
  #queuedSince = 0;

  constructor(throttler: Throttler, shared: ExchangeShared, source: Source) {
    this.throttler = throttler;
    this.shared = shared;
    this.source = source;
  }

  abstract get affinity(): string | undefined;
  abstract admitted(instance: Instance): void;
  abstract rejected(why: QueueRejection): void;
  abstract checkClient(): void;
  abstract expired(): void;

  /** Its time begins with its arrival, the start of an instance included (container contract, Responses). */
  protected begin(): void {
    const { entry, forwardsAtOnce } = this.throttler;
    const slack = forwardsAtOnce ? FORWARDED_MS : 0;
    this.shared.opened();
    this.shared.deadlines.add(this, entry.timeoutMs + slack, this.arrivedAt);
    if (!forwardsAtOnce) this.countHere(this.arrivedAt);
  }

  /** It waits here, is sent to an instance or is answered by the gateway itself. */
  protected countHere(now: number): void {
    if (this.counted) return;
    this.counted = true;
    this.shared.stats.begin(this.throttler.entry.index, now);
  }

  /** It is sent to this instance, or forwarded to this gateway. */
  protected countSent({ isGateway }: Instance): void {
    if (!isGateway) {
      this.countHere(this.arrivedAt);
      return;
    }
    const { stats, usage } = this.shared;
    usage.count('forwarded');
    if (this.counted) stats.forwarded(this.throttler.entry.index, clock());
    this.counted = false;
  }

  /** Whether a fence aborts it: it is in an instance of a revision with a limit, which all are placed elsewhere then. */
  protected get isFenced(): boolean {
    return this.instance?.isGateway === false && this.throttler.entry.placement !== undefined;
  }

  /** Asks for a slot for the first time. @returns the instance that has one; otherwise it was queued or rejected. */
  protected enter(): Instance | undefined {
    this.waitsSince(this.arrivedAt);
    const instance = this.throttler.enter(this);
    if (instance) this.#queuedSince = 0;
    return instance;
  }

  protected waitsSince(now: number): void {
    this.#queuedSince = now;
  }

  /** It waits no longer, if it did. */
  protected waitedUntil(now: number): void {
    if (this.#queuedSince > 0) this.queuedMs += now - this.#queuedSince;
    this.#queuedSince = 0;
  }

  /** The instance gets the trace's context, and the request its place in the trace where it is traced. */
  protected continueTrace(head: RequestHead, instance: Instance): void {
    const { tracer } = this.shared;
    if (tracer) tracer.admitted(head, instance, this.arrivedAt);
    else completeTrace(head, instance, this.arrivedAt);
  }

  /** The response of this instance has begun at `answeredAt`. */
  protected countAnswer(instance: Instance): void {
    if (!this.counted) return;
    const { arrivedAt, queuedMs, sentAt, answeredAt, shared } = this;
    shared.stats.histograms.answered(sentAt - arrivedAt - queuedMs, answeredAt - sentAt);
    if (instance.answered) return;
    instance.answered = true;
    shared.firstAnswer(this.throttler.entry.key, answeredAt);
  }

  protected countError(cause: ErrorCause): void {
    this.#error = cause;
    if (this.counted) this.shared.stats.failed(this.throttler.entry.index, cause);
  }

  /** It has ended: it has no deadline any more, and is counted. @returns when, on `clock()`. */
  protected countEnd(): number {
    const { stats, deadlines } = this.shared;
    deadlines.remove(this);
    const now = clock();
    this.waitedUntil(now);
    if (this.counted) stats.end(this.throttler.entry.index, this, now, this.status);
    return now;
  }

  /** Whether its end is to be recorded. */
  protected isRecorded(head: RequestHead): boolean {
    const { accessLog, tracer } = this.shared;
    return accessLog !== undefined || tracer?.isTraced(head, this.arrivedAt) === true;
  }

  /**
   * Records its end in the access log and in its trace.
   * @param exchanged what only its own kind knows.
   */
  protected record(exchanged: Exchanged, instance: Instance | undefined, now: number): void {
    const { accessLog, tracer } = this.shared;
    const { key: revision } = this.throttler.entry;
    const error = this.#error;
    accessLog?.request({
      ...exchanged,
      latencyMs: now - this.arrivedAt,
      queuedMs: this.queuedMs,
      upstreamMs: this.#upstreamMs(now),
      revision,
      instance,
      error,
    });
    if (tracer?.isTraced(exchanged.head, this.arrivedAt)) {
      const readyAt = this.throttler.readyAt(now);
      tracer.ended({ ...exchanged, stages: this, endedAt: now, readyAt, revision, instance, error });
    }
  }

  /** How long the instance has taken, or took, until the first byte of its response. */
  #upstreamMs(now: number): number {
    return this.sentAt && (this.answeredAt || now) - this.sentAt;
  }
}
