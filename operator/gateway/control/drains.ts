import type { DrainOrders, DrainState, DrainStep } from '../shared/drainProtocol.ts';

/** What draining needs to know of the instances, by UID of the pod; a UID may be unknown to this gateway. */
export interface Drainable {
  /** Stops or resumes new requests to an instance, also to one that this gateway has not seen yet. */
  setDrained(uid: string, drained: boolean): void;
  /** It has no request in flight, and no data thread sends it one. */
  isEmpty(uid: string): boolean;
  /** Requests wait, and the revision has no other instance, running or starting. */
  isNeeded(uid: string): boolean;
  /** The revision's instances that get no new requests. */
  drainedOf(revision: string): Iterable<string>;
}

interface Drain {
  step: DrainStep;
  /** Nothing is sent to it before the next round. */
  promised: boolean;
  /** No other instance could take a request. */
  refused: boolean;
}

/** How long after the autoscaler's last round all drains are cancelled: a few rounds may be lost. */
export function drainTimeoutMs(tickSeconds: number): number {
  return Math.max(5000, 4000 * tickSeconds);
}

/**
 * The instances that are being scaled in, as named in the autoscaler's last round.
 *
 * Why no request is lost: the autoscaler lowers the number of replicas only after every gateway has reported `released`
 * in the same round, and that report is a promise. A request that arrives before it takes the instance back at once, and
 * the report is `refused`; one that arrives after it waits in the queue. The promise ends with the next round, a second
 * later: either that cancels the scale-in (or repeats `release`, and gets `refused` because a request waits), or it
 * orders `remove` and the number is being lowered: then the waker sees 0 and raises it again. So a request waits for one
 * round at most, besides the start of an instance where one is needed.
 */
export class Drains {
  /** Resolves with the autoscaler's first round. */
  readonly firstOrders: Promise<void>;
  readonly #resolveFirst: () => void;
  readonly #instances: Drainable;
  readonly #timeoutMs: number;
  readonly #drains = new Map<string, Drain>();
  #term = 0;
  #round = 0;
  #receivedAt = Number.NEGATIVE_INFINITY;

  /** @param timeoutMs after so long without a round all drains are cancelled: the autoscaler may be dead. */
  constructor(instances: Drainable, timeoutMs: number) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.firstOrders = promise;
    this.#resolveFirst = resolve;
    this.#instances = instances;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Takes the orders of a round; they name all instances that are being scaled in.
   * @returns the state of each; none for orders older than those of the last round.
   */
  take({ term, round, instances }: DrainOrders, now: number): Record<string, DrainState> {
    const outdated = term < this.#term || (term === this.#term && round <= this.#round);
    // After a timeout the term of the next controller counts, even if its clock is behind that of the last one.
    if (outdated && now - this.#receivedAt < this.#timeoutMs) return {};
    this.#term = term;
    this.#round = round;
    this.#receivedAt = now;
    this.#resolveFirst();
    for (const uid of this.#drains.keys()) if (!Object.hasOwn(instances, uid)) this.#cancel(uid);
    const states: Record<string, DrainState> = {};
    for (const [uid, step] of Object.entries(instances)) states[uid] = this.#follow(uid, step);
    return states;
  }

  /**
   * Takes back the instances that are not promised, for a request to a revision that has no other.
   * @returns whether there was any.
   */
  takeBack(revision: string): boolean {
    let found = false;
    for (const uid of [...this.#instances.drainedOf(revision)]) {
      const drain = this.#drains.get(uid);
      if (!drain || drain.promised) continue;
      this.#refuse(uid, drain);
      found = true;
    }
    return found;
  }

  /** Cancels all drains when the autoscaler has not been heard of for too long. */
  tick(now: number): void {
    if (now - this.#receivedAt < this.#timeoutMs) return;
    for (const uid of [...this.#drains.keys()]) this.#cancel(uid);
  }

  #follow(uid: string, step: DrainStep): DrainState {
    const drain = this.#drains.get(uid) ?? { step, promised: false, refused: false };
    if (!this.#drains.has(uid)) {
      this.#drains.set(uid, drain);
      this.#instances.setDrained(uid, true);
    }
    drain.step = step;
    drain.promised = step === 'remove' && !drain.refused;
    if (step !== 'remove' && !drain.refused && this.#instances.isNeeded(uid)) this.#refuse(uid, drain);
    if (drain.refused) return 'refused';
    if (!this.#instances.isEmpty(uid)) return 'draining';
    if (step === 'drain') return 'drained';
    drain.promised = true;
    return 'released';
  }

  /** It takes requests again; this is reported until the autoscaler has cancelled the scale-in. */
  #refuse(uid: string, drain: Drain): void {
    drain.refused = true;
    this.#instances.setDrained(uid, false);
  }

  #cancel(uid: string): void {
    this.#drains.delete(uid);
    this.#instances.setDrained(uid, false);
  }
}
