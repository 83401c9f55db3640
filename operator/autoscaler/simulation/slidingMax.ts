/** The largest of the values within the last `lengthMs`. */
export class SlidingMax {
  readonly #lengthMs: number;
  /** Oldest first, each smaller than the one before. */
  #values: { readonly value: number; readonly at: number }[] = [];

  constructor(lengthMs: number) {
    this.#lengthMs = lengthMs;
  }

  /** Adds a value. @returns the largest one. */
  add(value: number, now: number): number {
    this.#values = this.#values.filter((other) => other.value > value && now - other.at < this.#lengthMs);
    this.#values.push({ value, at: now });
    return this.#values[0]?.value ?? value;
  }
}
