import type { Clock } from '../kube/clock.ts';

interface Timer {
  at: number;
  callback: () => void;
}

/** No test has so many timers at one moment: what fires then sets itself again, without end. */
const MOST_AT_ONCE = 10_000;

/** A clock that advances only when a test advances it. */
export class FakeClock implements Clock {
  #now: number;
  readonly #timers = new Set<Timer>();

  constructor(now = 0) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#now + Math.max(ms, 0), callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Timers that have not fired. */
  get pending(): number {
    return this.#timers.size;
  }

  /**
   * Moves on, firing what is due in order; what a timer starts may fire too.
   * @throws when timers set each other off at one moment without end, which no limit of mocha's would see.
   */
  advance(ms: number): void {
    const until = this.#now + ms;
    let atOnce = 0;
    for (let timer = this.#earliest(until); timer; timer = this.#earliest(until)) {
      this.#timers.delete(timer);
      atOnce = timer.at > this.#now ? 0 : atOnce + 1;
      if (atOnce > MOST_AT_ONCE) throw new Error(`timers without end at ${this.#now} ms`);
      this.#now = Math.max(this.#now, timer.at);
      timer.callback();
    }
    this.#now = until;
  }

  /** Moves on without firing anything, as time does for a process whose event loop is blocked. */
  block(ms: number): void {
    this.#now += ms;
  }

  #earliest(until: number): Timer | undefined {
    let earliest: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.at <= until && (!earliest || timer.at < earliest.at)) earliest = timer;
    }
    return earliest;
  }
}
