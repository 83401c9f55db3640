import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { clock } from './clock.ts';

/** Time as it passes; a test gives one that it turns by hand. */
interface Timing {
  /** In ms. */
  now(): number;
  after(ms: number, callback: () => void): unknown;
}

const TIMING: Timing = { now: clock, after: (ms, callback) => setTimeout(callback, ms).unref() };

/** Fewer changes leave little behind. */
const LEAST_CHANGES = 1000;
/** So long nothing has changed. */
const QUIET_MS = 30_000;

/**
 * Collects what many changes have left behind in a thread's heap, once they are over. V8 itself lets each heap grow by 8 MB
 * before it looks at old objects again, and nothing grows at rest: with three threads that was 27 of the 168 MB of a gateway
 * after five thousand instances had started (bar "1,000 services: gateway under 150 MB with all of it"). Smaller steps
 * (`--optimize-for-size`) cost a tenth of the throughput.
 */
export class GarbageCollection {
  readonly #collect: () => void;
  readonly #timing: Timing;
  #changes = 0;
  #changedAt = 0;
  #waits = false;

  constructor(collect: () => void = collectGarbage, timing = TIMING) {
    this.#collect = collect;
    this.#timing = timing;
  }

  /** So much has changed now. */
  changed(count: number): void {
    this.#changes += count;
    this.#changedAt = this.#timing.now();
    if (this.#changes >= LEAST_CHANGES && !this.#waits) this.#wait(QUIET_MS);
  }

  #wait(ms: number): void {
    this.#waits = true;
    this.#timing.after(ms, () => this.#look());
  }

  #look(): void {
    this.#waits = false;
    const leftMs = this.#changedAt + QUIET_MS - this.#timing.now();
    if (leftMs > 0) {
      this.#wait(leftMs);
      return;
    }
    this.#changes = 0;
    this.#collect();
  }
}

/** V8's own; the flavor gives pages that are empty back to the system, too, of which it keeps half a heap otherwise. */
type Collect = (how: { type: 'major'; flavor: 'last-resort' }) => void;

let collect: Collect | undefined;

/**
 * Frees what nothing refers to, in the thread that calls it, which stands still meanwhile: about 1 ms for each MB that is
 * used. What a WeakRef gave in this turn of the event loop stays until a later one.
 */
export function collectGarbage(): void {
  if (!collect) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as Collect;
  }
  collect({ type: 'major', flavor: 'last-resort' });
}
