/** Upper bounds in milliseconds of the time that requests wait for an instance; the last bucket of each has none. */
const WAIT_BOUNDS_MS = [5, 25, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000] as const;
/** Of the time from a request's way to its instance to the first byte of the response. */
const UPSTREAM_BOUNDS_MS = [
  0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 60_000,
] as const;
/** Of the gateway's own time before that. */
const OVERHEAD_BOUNDS_MS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 1000] as const;

/** The histograms of the whole process: one series each, however many revisions there are. */
export const HISTOGRAMS = {
  wait: WAIT_BOUNDS_MS,
  upstream: UPSTREAM_BOUNDS_MS,
  overhead: OVERHEAD_BOUNDS_MS,
} as const satisfies Record<string, readonly number[]>;
export type HistogramName = keyof typeof HISTOGRAMS;

/** A bucket for each bound, one beyond the last, and the sum. */
const cellsOf = (name: HistogramName): number => HISTOGRAMS[name].length + 2;
const WAIT = 0;
const UPSTREAM = WAIT + cellsOf('wait');
const OVERHEAD = UPSTREAM + cellsOf('upstream');
const ROW = OVERHEAD + cellsOf('overhead');
const FIRST_CELL: Record<HistogramName, number> = { wait: WAIT, upstream: UPSTREAM, overhead: OVERHEAD };

/** Numbers that {@link Histograms} needs for this many threads. */
export function histogramCells(threads: number): number {
  return threads * ROW;
}

/** A histogram over all threads since the process started, in ms. */
export interface HistogramCounts {
  bounds: readonly number[];
  /** By bucket, not cumulative; the last has no bound. */
  counts: number[];
  sum: number;
}

/**
 * Durations that are counted for the whole process, in shared memory: each thread has a row, so that an observation is
 * two additions. A reader may see one of them before the other, which the next reading corrects.
 */
export class Histograms {
  readonly #cells: Float64Array;
  readonly #threads: number;

  constructor(cells: Float64Array, threads: number) {
    this.#cells = cells;
    this.#threads = threads;
  }

  /** The writer of one thread. */
  writer(thread: number): HistogramWriter {
    return new HistogramWriter(this.#cells.subarray(thread * ROW, (thread + 1) * ROW));
  }

  read(name: HistogramName): HistogramCounts {
    const bounds = HISTOGRAMS[name];
    const counts = new Array<number>(bounds.length + 1).fill(0);
    let sum = 0;
    for (let thread = 0; thread < this.#threads; thread++) {
      const first = thread * ROW + FIRST_CELL[name];
      for (let i = 0; i < counts.length; i++) {
        counts[i] = (counts[i] as number) + (this.#cells[first + i] as number);
      }
      sum += this.#cells[first + counts.length] as number;
    }
    return { bounds, counts, sum };
  }
}

/** Counts the durations of one thread. */
export class HistogramWriter {
  readonly #row: Float64Array;

  constructor(row: Float64Array) {
    this.#row = row;
  }

  /** A request was admitted to an instance after waiting for `ms`. */
  waited(ms: number): void {
    this.#observe(WAIT, WAIT_BOUNDS_MS, ms);
  }

  /**
   * The first byte of an instance's response has arrived.
   * @param overheadMs from the request's arrival until it was sent, without its wait in the queue.
   * @param upstreamMs from then on.
   */
  answered(overheadMs: number, upstreamMs: number): void {
    this.#observe(OVERHEAD, OVERHEAD_BOUNDS_MS, overheadMs);
    this.#observe(UPSTREAM, UPSTREAM_BOUNDS_MS, upstreamMs);
  }

  #observe(first: number, bounds: readonly number[], ms: number): void {
    const row = this.#row;
    const bucket = first + bucketOf(bounds, ms);
    const sum = first + bounds.length + 1;
    row[bucket] = (row[bucket] as number) + 1;
    row[sum] = (row[sum] as number) + ms;
  }
}

/** The index of the first bound that a value does not exceed; `bounds.length` when it exceeds all. */
export function bucketOf(bounds: readonly number[], value: number): number {
  let bucket = 0;
  while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++;
  return bucket;
}
