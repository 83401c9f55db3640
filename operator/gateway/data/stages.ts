import { clock } from '../shared/clock.ts';
import type { ErrorCause, Stages } from '../shared/stats.ts';
import type { AccessLog, AccessRecord } from './accessLog.ts';
import type { ExchangeShared } from './exchangeShared.ts';
import type { Throttler } from './throttler.ts';
import type { Instance } from './upstream/instance.ts';

/** The request, its response, and their sizes. */
type Exchanged = Pick<
  AccessRecord,
  'method' | 'target' | 'protocol' | 'head' | 'status' | 'requestBytes' | 'responseBytes'
>;

/** What is measured of a request for an instance. A base class, so that it costs no object of its own. */
export abstract class MeasuredRequest implements Stages {
  readonly arrivedAt = clock();
  queuedMs = 0;
  sentAt = 0;
  answeredAt = 0;
  /** Why it did not get the whole response of an instance. */
  protected error: ErrorCause | undefined;
  /** It counts where it waits and is sent to an instance: not here while the gateway that owns its revision has it. */
  protected counted = false;
  /** Since when it waits for an instance; 0 when it does not. */
  #queuedSince = 0;

  /** It waits here, is sent to an instance or is answered by the gateway itself. */
  protected countHere(now: number, { entry }: Throttler, shared: ExchangeShared): void {
    if (this.counted) return;
    this.counted = true;
    shared.stats.begin(entry.index, now);
  }

  /** It is sent to this instance, or forwarded to this gateway. */
  protected countSent({ isGateway }: Instance, throttler: Throttler, shared: ExchangeShared): void {
    if (!isGateway) {
      this.countHere(this.arrivedAt, throttler, shared);
      return;
    }
    shared.usage.count('forwarded');
    if (this.counted) shared.stats.forwarded(throttler.entry.index, clock());
    this.counted = false;
  }

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
    if (!this.counted) return;
    const { arrivedAt, queuedMs, sentAt, answeredAt } = this;
    shared.stats.histograms.answered(sentAt - arrivedAt - queuedMs, answeredAt - sentAt);
    if (instance.answered) return;
    instance.answered = true;
    shared.firstAnswer(entry.key, answeredAt);
  }

  /**
   * Logs its end.
   * @param exchanged what only its own kind knows.
   */
  protected log(
    log: AccessLog,
    exchanged: Exchanged,
    { entry }: Throttler,
    instance: Instance | undefined,
    now: number,
  ): void {
    log.request({
      ...exchanged,
      latencyMs: now - this.arrivedAt,
      queuedMs: this.queuedMs,
      upstreamMs: this.#upstreamMs(now),
      revision: entry.key,
      instance,
      error: this.error,
    });
  }

  protected countError(cause: ErrorCause, { entry }: Throttler, shared: ExchangeShared): void {
    this.error = cause;
    if (this.counted) shared.stats.failed(entry.index, cause);
  }

  /** Its last response, if any, has this status. */
  protected countEnd(now: number, status: number, { entry }: Throttler, shared: ExchangeShared): void {
    if (this.counted) shared.stats.end(entry.index, this, now, status);
  }
}
