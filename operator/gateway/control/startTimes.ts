/** How many starts the average is taken over. */
const REMEMBERED = 20;
/** Requests wait at least this long (container contract, Startup). */
const LEAST_MS = 10_000;
const FACTOR = 3.5;

/** The start times of a revision's latest instances. */
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
 * contract, Startup). The duration of the first start is unknown, so its limit counts.
 */
export function queueLimitMs(averageMs: number | undefined, starting: boolean, startLimitMs: number): number {
  if (averageMs !== undefined) return Math.round(Math.max(LEAST_MS, FACTOR * averageMs));
  return starting ? Math.max(LEAST_MS, startLimitMs) : LEAST_MS;
}
