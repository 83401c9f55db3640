import { ApiError } from '../errors.ts';

/** How many may run and wait, and for how long these wait. */
export interface TurnLimits {
  running: number;
  waiting: number;
  waitMs: number;
}

/** Lets some run at once; the others wait for their turn, in the order in which they came. */
export class Turns {
  readonly #limits: TurnLimits;
  #running = 0;
  readonly #waiting = new Set<() => void>();

  constructor(limits: TurnLimits) {
    this.#limits = limits;
  }

  /**
   * Acts when it is its turn.
   * @param signal ends the wait of one who has gone.
   * @throws {ApiError} RESOURCE_EXHAUSTED when too many wait, or its turn has not come in time.
   */
  async run<T>(signal: AbortSignal, act: () => Promise<T>): Promise<T> {
    if (this.#running < this.#limits.running) this.#running++;
    else await this.#turn(signal);
    try {
      return await act();
    } finally {
      this.#passOn();
    }
  }

  #turn(signal: AbortSignal): Promise<void> {
    const { running, waiting, waitMs } = this.#limits;
    const message = `${running} searches run, and no other could begin in time: try again later.`;
    const exhausted = () => new ApiError('RESOURCE_EXHAUSTED', message);
    if (signal.aborted || this.#waiting.size >= waiting) throw exhausted();
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting.delete(begin);
        clearTimeout(timer);
        signal.removeEventListener('abort', giveUp);
      };
      const begin = () => {
        leave();
        resolve();
      };
      const giveUp = () => {
        leave();
        reject(exhausted());
      };
      const timer = setTimeout(giveUp, waitMs);
      signal.addEventListener('abort', giveUp);
      this.#waiting.add(begin);
    });
  }

  /** One who waits takes the place of one who has ended. */
  #passOn(): void {
    const [next] = this.#waiting;
    if (next) next();
    else this.#running--;
  }
}
