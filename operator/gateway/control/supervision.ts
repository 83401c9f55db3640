import { BEAT_MS } from '../shared/heartbeat.ts';

/** An event loop that has not turned for so long is considered stuck. */
const STUCK_MS = 5000;
/** A check that is later than this says more about the control thread than about the data threads. */
const LATE_MS = BEAT_MS / 2;
/** Loading code on a busy node takes seconds; a thread that takes longer than this is considered stuck. */
export const START_LIMIT_MS = 60_000;
/** A thread that has listened for so long is replaced without backoff. */
const STEADY_MS = 10_000;
const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 10_000;
const SMALLEST_HEAP_MB = 128;
const LARGEST_HEAP_MB = 2048;
/** The process ends when so many threads in a row ended before they listened, and none listens. */
export const MOST_FAILED_STARTS = 8;

/**
 * Finds data threads whose event loop is stuck. Only checks in time count: where the control thread was late itself, or
 * the whole process was stopped, the data threads may have been too.
 */
export class Watchdog {
  readonly #seen = new Map<number, { beats: number; silentMs: number }>();

  /**
   * Call it every {@link BEAT_MS} for each thread that listens.
   * @param lateMs how late this check is.
   * @returns whether the thread is stuck.
   */
  stuck(thread: number, beats: number, lateMs: number): boolean {
    const seen = this.#seen.get(thread);
    if (seen?.beats !== beats) {
      this.#seen.set(thread, { beats, silentMs: 0 });
      return false;
    }
    if (lateMs <= LATE_MS) seen.silentMs += BEAT_MS;
    return seen.silentMs >= STUCK_MS;
  }

  /** How long the thread has not beaten, in ms. */
  silentMs(thread: number): number {
    return this.#seen.get(thread)?.silentMs ?? 0;
  }

  /** The thread has ended: its successor starts afresh. */
  forget(thread: number): void {
    this.#seen.delete(thread);
  }
}

/** The backoff before a thread is replaced: it doubles each time that one does not live for {@link STEADY_MS}. */
export class RestartDelay {
  #failures = 0;

  /** @param listenedMs how long the thread that ended had listened. @returns ms. */
  next(listenedMs: number): number {
    if (listenedMs >= STEADY_MS) this.#failures = 0;
    const delay = FIRST_DELAY_MS * 2 ** this.#failures;
    if (delay >= LONGEST_DELAY_MS) return LONGEST_DELAY_MS;
    this.#failures++;
    return delay;
  }
}

/**
 * The most that the heap of one data thread may grow to, in MB: all of them together stay under 60 % of the memory, so
 * that a thread with a leak ends alone, before the kernel ends the process.
 * @param memoryBytes what the process may use; 0 where it is unknown (`process.constrainedMemory()`).
 */
export function heapLimitMb(memoryBytes: number, threads: number): number {
  if (memoryBytes === 0) return LARGEST_HEAP_MB;
  const share = (memoryBytes * 0.6) / threads / 2 ** 20;
  return Math.floor(Math.min(LARGEST_HEAP_MB, Math.max(SMALLEST_HEAP_MB, share)));
}
