import type { KubeClient } from '../../kube/client.ts';
import { isKubeError } from '../../kube/errors.ts';
import { resizePod } from '../../kube/resize.ts';
import { refOf } from '../../kube/types.ts';
import type { Logger } from '../../telemetry/log.ts';
import { clock } from '../shared/clock.ts';
import type { CompiledPod } from './compile.ts';
import type { Tracked } from './tracked.ts';

/** A resize that was not accepted, or that the watch does not show, is asked for again after this time. */
const RETRY_MS = 1000;
/** A rule of the cluster, such as a quota, rejects it for longer. */
const REJECTED_MS = 60_000;

/** How a wait for CPU ended: it was given back, or the limit has passed. */
export type RestoreOutcome = 'restored' | 'limit';

export interface ReducedOptions {
  client: Pick<KubeClient, 'request'>;
  /** Longest time for which requests are held back from an instance. */
  limitMs: number;
  /** Requests in flight in an instance, and requests that wait for a revision. */
  counts: { inFlight(slot: number): number; waiting(revision: string): number };
  /** Of the revision's requests; undefined for one that is not served. */
  timeoutMs(revision: string): number | undefined;
  /** Called at the end of each wait, with its duration in ms. */
  ended: (outcome: RestoreOutcome, elapsedMs: number) => void;
  log: Logger;
  /** {@link clock}. */
  now?: () => number;
}

/** A reduced instance; times are in ms on `now()`. */
interface Reduced {
  /** Since when a request needs it; undefined while none does. */
  neededAt: number | undefined;
  /** Ends the wait; undefined while there is none. */
  limit: NodeJS.Timeout | undefined;
  /** Its limit has passed: it gets requests as it is. */
  released: boolean;
  /** It is not asked for before; infinite while a request to the API server is under way. */
  askAt: number;
}

/**
 * Holds requests back from instances whose CPU request the controller has lowered while they were idle, and asks for what
 * they had as soon as a request needs one ({@link Reduction}). As for scaling from zero, the gateway does it itself: it
 * must be quick, and must not depend on the controller. For the data threads a reduced instance does not exist, so a
 * request takes one that is not reduced if there is a slot, and waits in the queue if there is none.
 *
 * An instance is reduced as long as its pod says so, so a gateway that starts, or misses a change, goes by what is now. A
 * wait ends with its limit: from then on the instance gets requests as it is, until it has had its CPU and lost it again.
 */
export class ReducedInstances {
  readonly #options: ReducedOptions;
  readonly #now: () => number;
  readonly #revisions = new Map<string, Map<Tracked, Reduced>>();

  constructor(options: ReducedOptions) {
    this.#options = options;
    this.#now = options.now ?? clock;
  }

  /** An instance's pod has changed. @param before as it was; undefined for a new one. */
  see(tracked: Tracked, before: CompiledPod | undefined): void {
    const { reduction, resizing } = tracked.pod;
    const known = this.#of(tracked);
    if (!reduction) {
      // Lowered a moment ago and restored at once: what the kubelet shows may be from before both.
      if (!resizing) this.#restored(tracked);
      return;
    }
    const isLoweredAnew = before && !before.reduction?.resize && reduction.resize;
    if (!known || (known.released && isLoweredAnew)) this.#hold(tracked);
    // One that has just been lowered may have got a request before.
    this.#needIfUsed(tracked);
  }

  /** An instance terminates. */
  forget(tracked: Tracked): void {
    const { revision } = tracked.pod;
    const reduced = this.#revisions.get(revision);
    clearTimeout(reduced?.get(tracked)?.limit);
    reduced?.delete(tracked);
    if (reduced?.size === 0) this.#revisions.delete(revision);
  }

  /** A request waits for an instance of the revision: all that are reduced get their CPU back. */
  wanted(revision: string): void {
    for (const [tracked, reduced] of this.#revisions.get(revision) ?? []) this.#need(tracked, reduced);
  }

  /** Called once a second: no event reports a request that got into an instance while it was being reduced. */
  tick(): void {
    for (const reduced of this.#revisions.values()) {
      for (const tracked of reduced.keys()) this.#needIfUsed(tracked);
    }
  }

  #of(tracked: Tracked): Reduced | undefined {
    return this.#revisions.get(tracked.pod.revision)?.get(tracked);
  }

  #hold(tracked: Tracked): void {
    const { revision } = tracked.pod;
    const all = this.#revisions.get(revision) ?? new Map<Tracked, Reduced>();
    all.set(tracked, { neededAt: undefined, limit: undefined, released: false, askAt: 0 });
    this.#revisions.set(revision, all);
    tracked.setReduced(true);
  }

  #restored(tracked: Tracked): void {
    const reduced = this.#of(tracked);
    if (!reduced) return;
    const { neededAt, released } = reduced;
    this.forget(tracked);
    tracked.setReduced(false);
    if (neededAt !== undefined && !released) this.#options.ended('restored', this.#now() - neededAt);
  }

  #needIfUsed(tracked: Tracked): void {
    const reduced = this.#of(tracked);
    const { counts } = this.#options;
    if (!reduced) return;
    // What has been asked for once is asked for until the pod shows it.
    const isUsed = counts.inFlight(tracked.slot) > 0 || counts.waiting(tracked.pod.revision) > 0;
    if (isUsed || reduced.neededAt !== undefined) this.#need(tracked, reduced);
  }

  #need(tracked: Tracked, reduced: Reduced): void {
    // It is being scaled in.
    if (tracked.drained) return;
    if (reduced.neededAt === undefined) {
      const { limitMs, timeoutMs } = this.#options;
      reduced.neededAt = this.#now();
      // A request that has waited for CPU still needs time to be answered.
      const most = Math.min(limitMs, (timeoutMs(tracked.pod.revision) ?? limitMs) / 2);
      reduced.limit = setTimeout(() => this.#release(tracked, reduced), most).unref();
    }
    if (tracked.pod.reduction?.resize && this.#now() >= reduced.askAt) void this.#ask(tracked.pod, reduced);
  }

  #release(tracked: Tracked, reduced: Reduced): void {
    const waitedMs = this.#now() - (reduced.neededAt ?? 0);
    reduced.released = true;
    tracked.setReduced(false);
    this.#options.ended('limit', waitedMs);
    this.#options.log.warn(
      { pod: tracked.pod.key, waitedMs: Math.round(waitedMs) },
      'the CPU request of an idle instance is not restored in time; it gets requests all the same',
    );
  }

  async #ask({ key, reduction }: CompiledPod, reduced: Reduced): Promise<void> {
    if (!reduction?.resize) return;
    reduced.askAt = Number.POSITIVE_INFINITY;
    let retryMs = RETRY_MS;
    try {
      await resizePod(this.#options.client, { metadata: refOf(key) }, reduction.resize);
    } catch (err) {
      if (isKubeError(err, 'KUBE_INVALID', 'KUBE_FORBIDDEN')) retryMs = REJECTED_MS;
      const level = isKubeError(err, 'KUBE_NOT_FOUND', 'KUBE_CONFLICT') ? 'debug' : 'warn';
      this.#options.log[level]({ err, pod: key }, 'the CPU request was not restored');
    }
    reduced.askAt = this.#now() + retryMs;
  }
}
