import { readFileSync } from 'node:fs';

/** Where Linux says for how long this thread has run, and has waited for a processor, in nanoseconds. */
const SCHEDSTAT = '/proc/thread-self/schedstat';

/** @returns milliseconds for which this thread has run, and was ready to run while others did; zero where it is unknown. */
function processorTime(): { ran: number; denied: number } {
  let text: string;
  try {
    text = readFileSync(SCHEDSTAT, 'latin1');
  } catch {
    return { ran: 0, denied: 0 };
  }
  const [ran = 0, denied = 0] = text.split(' ').map((nanoseconds) => Number(nanoseconds) / 1e6);
  return { ran, denied };
}

/**
 * Measures how long something takes this process, without the time in which other processes had the processor that it
 * wanted: a busy machine is no fault of the gateway, and what the gateway itself computes counts.
 */
export class Stopwatch {
  readonly #start = performance.now();
  readonly #begin = processorTime();

  get ms(): number {
    return performance.now() - this.#start;
  }

  /** Milliseconds, less those that the machine gave to others. */
  get fairMs(): number {
    return this.ms - (processorTime().denied - this.#begin.denied);
  }

  /** Share of the time in which others had the processor. */
  get denied(): number {
    return (processorTime().denied - this.#begin.denied) / this.ms;
  }

  describe(): string {
    const { ran, denied } = processorTime();
    const all = Math.round(this.ms);
    const own = Math.round(ran - this.#begin.ran);
    const others = Math.round(denied - this.#begin.denied);
    return `${all} ms, of which the process ran for ${own} ms and waited for a processor for ${others} ms`;
  }

  /** @returns a promise that rejects with this error after so many fair milliseconds, and what takes that back. */
  expiry(limitMs: number, makeError: () => Error): { expired: Promise<never>; cancel: () => void } {
    let timer: NodeJS.Timeout | undefined;
    const expired = new Promise<never>((_, reject) => {
      const look = (): void => {
        const left = limitMs - this.fairMs;
        if (left <= 0) reject(makeError());
        else timer = setTimeout(look, left);
      };
      timer = setTimeout(look, limitMs);
    });
    return { expired, cancel: () => clearTimeout(timer) };
  }
}
