/** Utilization of a thread above which its connections begin to wait for each other. */
const BUSY = 0.7;
/** Seconds in a row that the threads must be busy: compilation and garbage collection also look like load. */
const PATIENCE = 2;

/**
 * Decides when another data thread is worth its 13 MB: when the running ones are busy on average for a while. Threads are
 * never removed, because one that stops listening resets the connections in its accept queue.
 */
export class ThreadScaling {
  readonly #most: number;
  #busySeconds = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** @param utilization of each thread over the last second, 0 to 1. */
  another(utilization: readonly number[]): boolean {
    const mean = utilization.reduce((sum, part) => sum + part, 0) / utilization.length;
    this.#busySeconds = mean > BUSY ? this.#busySeconds + 1 : 0;
    if (this.#busySeconds < PATIENCE || utilization.length >= this.#most) return false;
    this.#busySeconds = 0;
    return true;
  }
}
