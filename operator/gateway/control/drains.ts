import type { DrainOrders, DrainState, DrainStep } from '../shared/drainProtocol.ts';

/** What draining needs of the instances; all by UID of the pod, which may be unknown here. */
export interface Drainable {
  /** Keeps new requests from an instance, also from one that is not known yet, or lets them come again. */
  setDrained(uid: string, drained: boolean): void;
  /** No request is inside, and no data thread sends one. */
  isEmpty(uid: string): boolean;
  /** Requests wait, and no other instance of the same revision is there or coming. */
  isMissed(uid: string): boolean;
  /** Of those that are kept from new requests. */
  drainedOf(revision: string): Iterable<string>;
}

interface Drain {
  step: DrainStep;
  /** Nothing is sent to it before the autoscaler has spoken again. */
  promised: boolean;
  /** A request had nowhere else to go. */
  refused: boolean;
}

/**
 * The instances that are to go, as the autoscaler last named them.
 *
 * Why no request is lost: the autoscaler lowers the number only after each gateway has answered `released` to the same
 * word, and that answer is a promise. A request that comes before it takes the instance back at once, and the answer is
 * `refused`; one that comes after it waits in the queue. The promise ends with the next word, a second later: either
 * that calls the scale-in off (or repeats `release`, and is refused because a request waits), or it says `remove`
 * and the number is being lowered: then the waker sees 0 and raises it again. So a request waits for as long as one
 * word takes at most, besides the start of an instance where one is needed.
 */
export class Drains {
  /** Resolves when the autoscaler has spoken. */
  readonly firstWord: Promise<void>;
  readonly #hear: () => void;
  readonly #instances: Drainable;
  readonly #forgetMs: number;
  readonly #drains = new Map<string, Drain>();
  #term = 0;
  #round = 0;
  #heardAt = Number.NEGATIVE_INFINITY;

  /** @param forgetMs after so long without a word nothing is drained: the autoscaler may be dead. */
  constructor(instances: Drainable, forgetMs: number) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.firstWord = promise;
    this.#hear = resolve;
    this.#instances = instances;
    this.#forgetMs = forgetMs;
  }

  /**
   * Takes the autoscaler's word; it names all instances that are to go.
   * @returns how far each of them is; nothing for a word that a later one has overtaken.
   */
  take({ term, round, instances }: DrainOrders, now: number): Record<string, DrainState> {
    const overtaken = term < this.#term || (term === this.#term && round <= this.#round);
    // After a long silence the clock of the next controller counts, even if it is behind that of the last one.
    if (overtaken && now - this.#heardAt < this.#forgetMs) return {};
    this.#term = term;
    this.#round = round;
    this.#heardAt = now;
    this.#hear();
    for (const uid of this.#drains.keys()) if (!Object.hasOwn(instances, uid)) this.#callOff(uid);
    const states: Record<string, DrainState> = {};
    for (const [uid, step] of Object.entries(instances)) states[uid] = this.#follow(uid, step);
    return states;
  }

  /**
   * A request waits for a revision that has no other instance: it takes back what is not promised.
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

  /** Forgets everything when the autoscaler has been silent for too long. */
  tick(now: number): void {
    if (now - this.#heardAt < this.#forgetMs) return;
    for (const uid of [...this.#drains.keys()]) this.#callOff(uid);
  }

  #follow(uid: string, step: DrainStep): DrainState {
    const drain = this.#drains.get(uid) ?? { step, promised: false, refused: false };
    if (!this.#drains.has(uid)) {
      this.#drains.set(uid, drain);
      this.#instances.setDrained(uid, true);
    }
    drain.step = step;
    drain.promised = step === 'remove' && !drain.refused;
    if (step !== 'remove' && !drain.refused && this.#instances.isMissed(uid)) this.#refuse(uid, drain);
    if (drain.refused) return 'refused';
    if (!this.#instances.isEmpty(uid)) return 'draining';
    if (step === 'drain') return 'drained';
    drain.promised = true;
    return 'released';
  }

  /** It takes requests again; the autoscaler hears so until it has called the scale-in off. */
  #refuse(uid: string, drain: Drain): void {
    drain.refused = true;
    this.#instances.setDrained(uid, false);
  }

  #callOff(uid: string): void {
    this.#drains.delete(uid);
    this.#instances.setDrained(uid, false);
  }
}
