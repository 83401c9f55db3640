/** How many starts the average is taken over. */
const REMEMBERED = 20;
/** Requests wait this long at least (container contract, Startup). */
const LEAST_MS = 10_000;
const FACTOR = 3.5;

/** How long a revision's instances took to start. */
export class StartTimes {
  readonly #times: number[] = [];

  add(elapsedMs: number): void {
    this.#times.push(elapsedMs);
    if (this.#times.length > REMEMBERED) this.#times.shift();
  }

  get averageMs(): number | undefined {
    const { length } = this.#times;
    return length === 0 ? undefined : this.#times.reduce((sum, time) => sum + time, 0) / length;
  }
}

/**
 * How long a request may wait for an instance: 3.5 times the average start or 10 s, whichever is longer (container
 * contract, Startup). While the first start goes on nobody knows how long it takes, so its own limit counts.
 */
export function queueLimitMs(averageMs: number | undefined, starting: boolean, startLimitMs: number): number {
  if (averageMs !== undefined) return Math.round(Math.max(LEAST_MS, FACTOR * averageMs));
  return starting ? Math.max(LEAST_MS, startLimitMs) : LEAST_MS;
}
