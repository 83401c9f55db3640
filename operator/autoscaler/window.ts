const BUCKETS = 60;

/**
 * The mean of a value over the last `lengthMs`, kept in 60 buckets, so that its cost does not grow with the
 * number of samples. It has no clock: `now` is given, in milliseconds, and should not decrease.
 *
 * Time before the first sample counts as `seed`: a new window assumes a load for the running
 * instances, and not that none is needed. A bucket without a sample is a gap and not a zero.
 */
export class Window {
  readonly lengthMs: number;
  readonly #bucketMs: number;
  readonly #sums = new Float64Array(BUCKETS);
  readonly #counts = new Uint32Array(BUCKETS);
  /** Number of the newest bucket, counted from the epoch. */
  #newest: number;

  constructor(lengthMs: number, seed: number, now: number) {
    this.lengthMs = lengthMs;
    this.#bucketMs = lengthMs / BUCKETS;
    this.#newest = this.#bucketAt(now);
    this.#sums.fill(seed);
    this.#counts.fill(1);
  }

  /** Adds one sample, the mean of the value since the previous sample. */
  add(value: number, now: number): void {
    this.#advance(now);
    const slot = this.#newest % BUCKETS;
    this.#sums[slot] = (this.#sums[slot] ?? 0) + value;
    this.#counts[slot] = (this.#counts[slot] ?? 0) + 1;
  }

  /** The mean over the window that ends at `now`; undefined when it holds no sample. */
  mean(now: number): number | undefined {
    this.#advance(now);
    let total = 0;
    let filled = 0;
    for (let slot = 0; slot < BUCKETS; slot++) {
      const count = this.#counts[slot] ?? 0;
      if (count === 0) continue;
      total += (this.#sums[slot] ?? 0) / count;
      filled++;
    }
    return filled === 0 ? undefined : total / filled;
  }

  #bucketAt(now: number): number {
    return Math.floor(now / this.#bucketMs);
  }

  #advance(now: number): void {
    const bucket = this.#bucketAt(now);
    const passed = Math.min(bucket - this.#newest, BUCKETS);
    if (passed <= 0) return;
    for (let step = 0; step < passed; step++) {
      const slot = (bucket - step) % BUCKETS;
      this.#sums[slot] = 0;
      this.#counts[slot] = 0;
    }
    this.#newest = bucket;
  }
}
