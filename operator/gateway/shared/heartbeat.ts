import { clock } from './clock.ts';

/** How often a data thread records that its event loop turns. */
export const BEAT_MS = 500;
/** A peak is published for at least this long, so that a scrape in between sees it. */
const WINDOW_MS = 30_000;
/** Integers for each thread: beats so far, the peak of its lag in ms, the origin of a fatal error. */
const CELLS = 3;
const BEATS = 0;
const LAG = 1;
const FATAL = 2;

/** Where an error that ends a thread came from, as Node's `uncaughtExceptionMonitor` names it. */
const ORIGINS = ['uncaughtException', 'unhandledRejection'] as const;

/**
 * What the control thread sees of the data threads' event loops, in shared memory: a stuck thread can send
 * no message, and an idle one does not wake the control thread.
 */
export class Heartbeats {
  readonly memory: SharedArrayBuffer;
  readonly #cells: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.#cells = new Int32Array(memory);
  }

  static create(threads: number): Heartbeats {
    return new Heartbeats(new SharedArrayBuffer(threads * CELLS * Int32Array.BYTES_PER_ELEMENT));
  }

  /** Records a turn of the thread's event loop. @param lagMs peak of its lag. */
  beat(thread: number, lagMs: number): void {
    Atomics.store(this.#cells, thread * CELLS + LAG, Math.round(lagMs));
    Atomics.add(this.#cells, thread * CELLS + BEATS, 1);
  }

  /** Beats since the thread started; wraps around. */
  beats(thread: number): number {
    return Atomics.load(this.#cells, thread * CELLS + BEATS);
  }

  /** Peak of the thread's lag in ms, as it was at its last beat. */
  lagMs(thread: number): number {
    return Atomics.load(this.#cells, thread * CELLS + LAG);
  }

  /** Records the origin of the error that is about to end the thread: the error itself does not carry it. */
  fatal(thread: number, origin: NodeJS.UncaughtExceptionOrigin): void {
    Atomics.store(this.#cells, thread * CELLS + FATAL, ORIGINS.indexOf(origin) + 1);
  }

  /** The origin of the error that ended the thread; undefined when none was recorded. */
  fatalOrigin(thread: number): NodeJS.UncaughtExceptionOrigin | undefined {
    return ORIGINS[Atomics.load(this.#cells, thread * CELLS + FATAL) - 1];
  }

  /** Clears the row of a thread's predecessor. */
  reset(thread: number): void {
    this.#cells.fill(0, thread * CELLS, (thread + 1) * CELLS);
  }
}

/** The longest lag of the last 30 to 60 seconds, in ms. */
export class LagPeak {
  #since: number;
  #present = 0;
  #previous = 0;

  constructor(now: number) {
    this.#since = now;
  }

  /** @param lagMs how late a timer was. @returns the peak. */
  add(lagMs: number, now: number): number {
    if (now - this.#since >= WINDOW_MS) {
      this.#previous = now - this.#since >= 2 * WINDOW_MS ? 0 : this.#present;
      this.#present = 0;
      this.#since = now;
    }
    this.#present = Math.max(this.#present, lagMs);
    return Math.max(this.#present, this.#previous);
  }
}

/** Calls `onBeat` every {@link BEAT_MS} with how late the timer was, in ms. Keeps no thread alive. */
export function every(onBeat: (lateMs: number, now: number) => void): NodeJS.Timeout {
  let last = clock();
  return setInterval(() => {
    const now = clock();
    const late = Math.max(0, now - last - BEAT_MS);
    last = now;
    onBeat(late, now);
  }, BEAT_MS).unref();
}

/** Beats for a data thread as long as its event loop turns. */
export function startHeart(heartbeats: Heartbeats, thread: number): void {
  const peak = new LagPeak(clock());
  every((lateMs, now) => heartbeats.beat(thread, peak.add(lateMs, now)));
}
