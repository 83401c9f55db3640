import type { Logger } from '../telemetry/log.ts';
import { leader, leaseLosses } from '../telemetry/metrics.ts';
import type { CallOptions, KubeClient } from './client.ts';
import { type Clock, sleep, systemClock } from './clock.ts';
import { LEASES, type Lease } from './core.ts';
import { isKubeError } from './errors.ts';
import { keyOf, type ObjectRef } from './types.ts';

export interface LeaderElectionOptions {
  client: Pick<KubeClient, 'get' | 'create' | 'replace'>;
  /** The Lease that candidates compete for. */
  lease: Required<ObjectRef>;
  /** Unique among candidates: the pod's name. */
  identity: string;
  log: Logger;
  /** How long others wait for a leader that went silent; 15 s when left out. */
  leaseMs?: number;
  /**
   * A leader that could not renew for so long gives up; shorter than `leaseMs`, so that two never lead. 10 s when left
   * out.
   */
  renewDeadlineMs?: number;
  /** The pause between renewals, and between attempts to get the lease; 2 s when left out. */
  retryMs?: number;
  clock?: Clock;
  /** The wall clock, milliseconds since 1970; only written, never compared. */
  today?: () => number;
  /**
   * Whether a candidate that has renewed at this time of its own wall clock (ms since 1970) is known to have ended since, so
   * that nobody need wait for the end of its lease. It is asked only about a leader that has missed a renewal, and must not
   * be true of one that may still write. None is known when left out.
   */
  hasEnded?: (identity: string, renewedAt: number) => Promise<boolean>;
}

/**
 * How long a leader that lost the lease may take to stop, in ms. Together with the time after which it gives up it is
 * shorter than the lease: no other process leads yet.
 */
const STEP_DOWN_MS = 2_000;

/**
 * What a leader does: until `signal` aborts, which asks for a clean end, still as the leader. When `lost` aborts as
 * well, another process may lead soon: nothing may be written any more, and the end must come within two seconds.
 */
export type Lead = (signal: AbortSignal, lost: AbortSignal) => Promise<void>;

/** An election that would ask without a pause, or in which two would lead. */
export class ElectionOptionsError extends Error {
  override readonly name = 'ElectionOptionsError';
  readonly code = 'ELECTION_OPTIONS';
}

/** The lease went to someone else, or could not be renewed in time. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
  readonly code = 'LEASE_LOST';
}

/**
 * Leader election on a coordination.k8s.io Lease. Only differences of the own monotonic clock count: what others
 * wrote is dated by when it was seen here, and a renewal by when it was asked for. Time in which the API server was away
 * does not count against a leader that could not renew in it.
 */
export class LeaderElection {
  readonly #options: Required<Omit<LeaderElectionOptions, 'clock' | 'today'>>;
  #call: CallOptions;
  readonly #clock: Clock;
  readonly #today: () => number;
  /** The Lease as last seen, and when a change of it was first seen. */
  #seen: Lease | undefined;
  #seenAt = 0;
  #renewedAt = Number.NEGATIVE_INFINITY;
  /** An answer that comes late must not bring the lease back. */
  #lost = false;
  /** The last look at the Lease failed. */
  #blind = false;
  /** The Lease was the same at the last two looks. */
  #silent = false;

  /** @throws {ElectionOptionsError} unless 0 < `retryMs` < `renewDeadlineMs` < `leaseMs`. */
  constructor(options: LeaderElectionOptions) {
    const hasEnded = async () => false;
    this.#options = { leaseMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000, hasEnded, ...options };
    checkTimes(this.#options);
    // Half the deadline, so that there is time for a second attempt on another connection.
    this.#call = { timeoutMs: this.#options.renewDeadlineMs / 2 };
    this.#clock = options.clock ?? systemClock;
    this.#today = options.today ?? Date.now;
  }

  /** Whether the lease is held at this moment; right even while the event loop was blocked. */
  get leading(): boolean {
    return !this.#lost && this.#clock.now() - this.#renewedAt < this.#options.renewDeadlineMs;
  }

  /**
   * Waits for the lease, then runs `lead` and renews until it ends; gives the lease back at the end. A leader that lost
   * the lease steps down and waits for it again, with whatever it remembers.
   * @param signal stops waiting or leading.
   * @throws {LeaseLostError} when the lease is lost and `lead` goes on for more than two seconds: the process must end.
   */
  async run(signal: AbortSignal, lead: Lead): Promise<void> {
    const { lease, log, retryMs, identity } = this.#options;
    const name = keyOf(lease);
    leader.set({ name }, 0);
    for (let again = true; again; ) {
      while (!signal.aborted && !(await this.#tryAcquire())) {
        // A leader that has missed a renewal may have ended, which the kubelet reports within a second or two.
        const pauseMs = this.#silent ? retryMs / 2 : retryMs;
        await sleep(pauseMs * (1 + Math.random() / 5), signal, this.#clock);
      }
      // What leads waits for the signal's abort, which has passed.
      if (signal.aborted) return this.#release();
      log.info({ lease: name, identity }, 'leading');
      leader.set({ name }, 1);
      again = await this.#term(signal, lead).finally(() => leader.set({ name }, 0));
    }
  }

  /** One time of leading. @returns whether the lease is to be waited for again. */
  async #term(signal: AbortSignal, lead: Lead): Promise<boolean> {
    const over = new AbortController();
    const lost = new AbortController();
    const tooLate = Promise.withResolvers<never>();
    let cancel = () => {};
    lost.signal.addEventListener('abort', () => {
      const { log, lease } = this.#options;
      log.warn({ err: lost.signal.reason }, 'no longer leading');
      leaseLosses.inc({ name: keyOf(lease) });
      cancel = this.#clock.after(STEP_DOWN_MS, () => tooLate.reject(lost.signal.reason));
    });
    this.#call = { ...this.#call, signal: lost.signal };
    const renewing = this.#renewUntil(over.signal).catch((error: unknown) => lost.abort(error));
    const leading = (async () => {
      try {
        await lead(AbortSignal.any([signal, lost.signal]), lost.signal);
      } finally {
        over.abort();
      }
    })();
    try {
      await Promise.race([leading, tooLate.promise]);
    } finally {
      cancel();
      // A renewal that is under way would undo the release.
      await renewing;
      await this.#release();
      this.#call = { timeoutMs: this.#call.timeoutMs };
    }
    return lost.signal.aborted && !signal.aborted;
  }

  /** @throws {LeaseLostError} at the deadline, even if a late answer would still come. */
  async #renewUntil(over: AbortSignal): Promise<void> {
    const { renewDeadlineMs, retryMs, lease, log } = this.#options;
    const lost = Promise.withResolvers<never>();
    lost.promise.catch(() => {});
    const lose = (reason: string) => {
      this.#lost = true;
      const error = new LeaseLostError(`lease ${keyOf(lease)}: ${reason}`);
      lost.reject(error);
      return error;
    };
    const expire = () => lose(`not renewed for ${renewDeadlineMs} ms`);
    while (!over.aborted) {
      const left = renewDeadlineMs - (this.#clock.now() - this.#renewedAt);
      const cancel = this.#clock.after(left, expire);
      try {
        await Promise.race([sleep(Math.min(retryMs, left), over, this.#clock), lost.promise]);
        if (over.aborted) return;
        // After the event loop was blocked, this timer may come before the deadline's that has passed as well.
        if (!this.leading) throw expire();
        await Promise.race([this.#renew(lose), lost.promise]);
      } catch (error) {
        if (error instanceof LeaseLostError) throw error;
        log.warn({ err: error, lease: keyOf(lease) }, 'the lease could not be renewed yet');
      } finally {
        cancel();
      }
    }
  }

  async #renew(lose: (reason: string) => unknown): Promise<void> {
    const { identity } = this.#options;
    try {
      await this.#write(this.#seen as Lease, identity);
    } catch (error) {
      if (!isKubeError(error, 'KUBE_CONFLICT', 'KUBE_NOT_FOUND')) throw error;
      const holder = await this.#look();
      if (holder?.spec?.holderIdentity !== identity)
        lose(`held by ${holder?.spec?.holderIdentity ?? 'no one'}`);
    }
  }

  async #tryAcquire(): Promise<boolean> {
    const { identity, log } = this.#options;
    try {
      const lease = await this.#look();
      if (lease && !this.#isFree(lease) && !(await this.#holderHasEnded(lease))) return false;
      this.#renewedAt = Number.NEGATIVE_INFINITY;
      this.#lost = false;
      await this.#write(lease, identity);
      return this.leading;
    } catch (err) {
      // Someone else was faster; that is how elections go.
      if (isKubeError(err, 'KUBE_CONFLICT', 'KUBE_ALREADY_EXISTS')) return false;
      this.#blind = true;
      log.warn({ err }, 'cannot ask for the lease');
      return false;
    }
  }

  #isFree({ spec }: Lease): boolean {
    if (!spec?.holderIdentity || spec.holderIdentity === this.#options.identity) return true;
    const leaseMs = (spec.leaseDurationSeconds ?? this.#options.leaseMs / 1000) * 1000;
    return this.#clock.now() - this.#seenAt > leaseMs;
  }

  async #holderHasEnded({ spec }: Lease): Promise<boolean> {
    const { holderIdentity: ended = '', renewTime = '' } = spec ?? {};
    if (!this.#silent || !(await this.#options.hasEnded(ended, Date.parse(renewTime)))) return false;
    this.#options.log.info({ ended }, 'the leader has ended without giving the lease back');
    return true;
  }

  async #look(): Promise<Lease | undefined> {
    const lease = await this.#options.client.get(LEASES, this.#options.lease, this.#call);
    const changed = !this.#seen || lease?.metadata.resourceVersion !== this.#seen.metadata.resourceVersion;
    if (changed || this.#blind) this.#seenAt = this.#clock.now();
    this.#silent = !changed && !this.#blind;
    this.#blind = false;
    this.#seen = lease;
    return lease;
  }

  async #write(old: Lease | undefined, holderIdentity: string): Promise<void> {
    const { client, lease, leaseMs } = this.#options;
    const askedAt = this.#clock.now();
    const now = microTime(this.#today());
    const same = old?.spec?.holderIdentity === holderIdentity;
    const object: Lease = {
      apiVersion: LEASES.apiVersion,
      kind: LEASES.kind,
      metadata: old?.metadata ?? lease,
      spec: {
        holderIdentity,
        leaseDurationSeconds: holderIdentity === '' ? 1 : Math.ceil(leaseMs / 1000),
        acquireTime: same ? old?.spec?.acquireTime : now,
        renewTime: now,
        leaseTransitions: (old?.spec?.leaseTransitions ?? 0) + (same || !old ? 0 : 1),
      },
    };
    this.#seen = old
      ? await client.replace(LEASES, object, this.#call)
      : await client.create(LEASES, object, this.#call);
    this.#seenAt = askedAt;
    this.#renewedAt = holderIdentity === '' ? Number.NEGATIVE_INFINITY : askedAt;
  }

  async #release(): Promise<void> {
    if (!this.leading) return;
    try {
      await this.#write(this.#seen, '');
    } catch (err) {
      this.#options.log.warn({ err }, 'the lease could not be given back; it runs out by itself');
    }
  }
}

/** The same order that client-go demands (leaderelection.NewLeaderElector). */
function checkTimes({
  retryMs,
  renewDeadlineMs,
  leaseMs,
}: Record<'retryMs' | 'renewDeadlineMs' | 'leaseMs', number>): void {
  let [least, above] = [0, '0'];
  for (const [name, ms] of Object.entries({ retryMs, renewDeadlineMs, leaseMs })) {
    if (!Number.isFinite(ms) || ms <= least)
      throw new ElectionOptionsError(`${name} is ${ms}; it must be a finite number above ${above}`);
    [least, above] = [ms, `${name}, ${ms}`];
  }
}

/** A time as Lease wants it: six digits after the point. */
export function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
