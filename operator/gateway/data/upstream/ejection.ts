/** Requests in a row that must fail. One or two may be caused by the requests. */
const FAILURES = 3;
const FIRST_MS = 1000;
const MOST_MS = 30_000;

/**
 * Decides when an instance that fails its requests is ejected for a while. Such an instance is always the emptiest, so
 * without this it would draw most of the traffic. Only broken connections and responses that are not valid HTTP count:
 * an error status is the program's own decision.
 */
export class Ejection {
  /** `clock()` until which the instance gets no requests, where others can take them. */
  until = 0;
  #failures = 0;
  #times = 0;

  succeeded(): void {
    this.#failures = 0;
    this.#times = 0;
  }

  /** @param now `clock()`, in ms. @returns whether it is ejected now. */
  failed(now: number): boolean {
    if (++this.#failures < FAILURES || now < this.until) return false;
    this.until = now + Math.min(MOST_MS, FIRST_MS * 2 ** this.#times);
    this.#times++;
    return true;
  }
}
