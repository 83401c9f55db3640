import { clock } from '../shared/clock.ts';
import type { ErrorCause, Stages } from '../shared/stats.ts';
import type { Exchanged } from './accessLog.ts';
import type { ExchangeShared } from './exchangeShared.ts';
import type { RequestHead } from './headers.ts';
import type { Throttler } from './throttler.ts';
import { completeTrace } from './trace.ts';
import type { Instance } from './upstream/instance.ts';

/** What is measured of a request for an instance. A base class, so that it costs no object of its own. */
export abstract class MeasuredRequest implements Stages {
  readonly arrivedAt = clock();
  queuedMs = 0;
  sentAt = 0;
  answeredAt = 0;
  /** Why it did not get the whole response of an instance. */
  protected error: ErrorCause | undefined;
  /** Since when it waits for an instance; 0 when it does not. */
  #queuedSince = 0;

  protected waitsSince(now: number): void {
    this.#queuedSince = now;
  }

  /** It found a free slot, so it did not wait. */
  protected admittedAtOnce(): void {
    this.#queuedSince = 0;
  }

  /** It waits no longer, if it did. */
  protected waitedUntil(now: number): void {
    if (this.#queuedSince > 0) this.queuedMs += now - this.#queuedSince;
    this.#queuedSince = 0;
  }

  /** How long the instance has taken, or took, until the first byte of its response. */
  #upstreamMs(now: number): number {
    return this.sentAt && (this.answeredAt || now) - this.sentAt;
  }

  /** The response of this instance has begun at `answeredAt`. */
  protected countAnswer(instance: Instance, { entry }: Throttler, shared: ExchangeShared): void {
    const { arrivedAt, queuedMs, sentAt, answeredAt } = this;
    shared.stats.histograms.answered(sentAt - arrivedAt - queuedMs, answeredAt - sentAt);
    if (instance.answered) return;
    instance.answered = true;
    shared.firstAnswer(entry.key, answeredAt);
  }

  /** The instance gets the trace's context, and the request its place in the trace where it is traced. */
  protected continueTrace(head: RequestHead, instance: Instance, { tracer }: ExchangeShared): void {
    if (tracer) tracer.admitted(head, instance, this.arrivedAt);
    else completeTrace(head, instance, this.arrivedAt);
  }

  /** Whether its end is to be recorded. */
  protected isRecorded(head: RequestHead, { accessLog, tracer }: ExchangeShared): boolean {
    return accessLog !== undefined || tracer?.isTraced(head, this.arrivedAt) === true;
  }

  /**
   * Records its end in the access log and in its trace.
   * @param exchanged what only its own kind knows.
   */
  protected record(
    exchanged: Exchanged,
    throttler: Throttler,
    instance: Instance | undefined,
    { accessLog, tracer }: ExchangeShared,
    now: number,
  ): void {
    const { error } = this;
    const revision = throttler.entry.key;
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
      const readyAt = throttler.readyAt(now);
      tracer.ended({ ...exchanged, stages: this, endedAt: now, readyAt, revision, instance, error });
    }
  }

  protected countError(cause: ErrorCause, { entry }: Throttler, shared: ExchangeShared): void {
    this.error = cause;
    shared.stats.failed(entry.index, cause);
  }
}
