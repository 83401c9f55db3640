/** A binary heap: the smallest item by `rank` comes out first. */
export class Heap<T> {
  #items: T[] = [];
  readonly #rank: (item: T) => number;

  constructor(rank: (item: T) => number) {
    this.#rank = rank;
  }

  get size(): number {
    return this.#items.length;
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    const items = this.#items;
    let at = items.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#swapIfSmaller(at, parent)) return;
      at = parent;
    }
  }

  /** Leaves only the items that `keep` wants. */
  retain(keep: (item: T) => boolean): void {
    // A sorted array is a heap.
    this.#items = this.#items.filter(keep).sort((a, b) => this.#rank(a) - this.#rank(b));
  }

  pop(): T | undefined {
    const items = this.#items;
    const first = items[0];
    const last = items.pop();
    if (items.length === 0 || last === undefined) return first;
    items[0] = last;
    for (let at = 0; ; ) {
      const child = this.#smallerChild(at);
      if (child === undefined || !this.#swapIfSmaller(child, at)) return first;
      at = child;
    }
  }

  #smallerChild(at: number): number | undefined {
    const left = 2 * at + 1;
    const right = left + 1;
    if (left >= this.#items.length) return undefined;
    return right < this.#items.length && this.#rankAt(right) < this.#rankAt(left) ? right : left;
  }

  #rankAt(at: number): number {
    return this.#rank(this.#items[at] as T);
  }

  #swapIfSmaller(lower: number, upper: number): boolean {
    if (this.#rankAt(lower) >= this.#rankAt(upper)) return false;
    const item = this.#items[lower] as T;
    this.#items[lower] = this.#items[upper] as T;
    this.#items[upper] = item;
    return true;
  }
}
