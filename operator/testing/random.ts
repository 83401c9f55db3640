/**
 * A small seeded source of random numbers (mulberry32): the same seed and index give the same case on any machine.
 * fast-check's generators are several times slower than the requests that they would describe.
 */
export class Random {
  #state: number;

  constructor(seed: number, index = 0) {
    this.#state = (Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(index + 1, 0xc2b2ae35)) | 0;
    // Neighbouring indexes start with similar states; a few rounds separate them.
    for (let i = 0; i < 4; i++) this.next();
  }

  /** @returns at least 0 and less than 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** @returns a whole number of at least 0 and less than `limit`. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  /** @returns a whole number, both bounds included. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  /** @returns printable text without spaces. */
  word(length: number): string {
    let text = '';
    while (text.length < length) text += this.below(0x7fffffff).toString(36);
    return text.slice(0, length);
  }

  /** @returns up to `most` places in a text of this length, ascending. */
  places(length: number, most: number): number[] {
    const found = Array.from({ length: this.below(most + 1) }, () => this.below(length + 1));
    return found.sort((a, b) => a - b);
  }
}
