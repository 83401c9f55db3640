/** Attempts of readiness probes that run at once: instances that answer take a few milliseconds each. */
const MOST_ATTEMPTS = 64;
/** An attempt that takes longer than this no longer keeps others waiting. */
const HELD_MS = 1000;

/**
 * Bounds how many attempts of probes begin at once, so that they do not delay what the process does besides. Each holds
 * its place for a second at most: instances that hang, each for as long as its own timeout, delay the probes of others no
 * longer than that.
 */
export class AttemptLimit {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  /** @param most attempts that may run at once. */
  constructor(most = MOST_ATTEMPTS) {
    this.#free = most;
  }

  /** Runs the attempt when there is a place, in the order of the calls. Rejects when the attempt does. */
  async run<T>(attempt: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    let held = true;
    const release = (): void => {
      if (held) this.#release();
      held = false;
    };
    const timer = setTimeout(release, HELD_MS).unref();
    try {
      return await attempt();
    } finally {
      clearTimeout(timer);
      release();
    }
  }

  #release(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free++;
  }
}
