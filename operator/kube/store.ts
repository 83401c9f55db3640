import { type KubeObject, keyOf } from './types.ts';

/** Index values of an object: under which values of the index it is found. Must be pure. */
export type Indexer<T> = (object: T) => string[];

/** The keys that an index files under one value. */
interface Bucket {
  readonly value: string;
  readonly keys: Set<string>;
}

class Index<T> {
  readonly #indexer: Indexer<T>;
  readonly #buckets = new Map<string, Bucket>();
  // Kept as they were at insertion, so that removal is right even if someone changed the object meanwhile. Nearly all
  // objects have one value: no list is made for those.
  readonly #bucketsOf = new Map<string, Bucket | readonly Bucket[]>();

  constructor(indexer: Indexer<T>) {
    this.#indexer = indexer;
  }

  keys(value: string): Iterable<string> {
    return this.#buckets.get(value)?.keys ?? [];
  }

  put(key: string, object: T): void {
    const buckets = this.#indexer(object).map((value) => this.#bucket(value));
    this.drop(key, buckets);
    if (buckets.length === 0) return;
    for (const bucket of buckets) {
      bucket.keys.add(key);
      this.#buckets.set(bucket.value, bucket);
    }
    this.#bucketsOf.set(key, buckets.length === 1 ? (buckets[0] as Bucket) : buckets);
  }

  /** @param kept where it stays. */
  drop(key: string, kept: readonly Bucket[] = []): void {
    for (const bucket of [this.#bucketsOf.get(key) ?? []].flat()) {
      if (kept.includes(bucket)) continue;
      bucket.keys.delete(key);
      if (bucket.keys.size === 0) this.#buckets.delete(bucket.value);
    }
    this.#bucketsOf.delete(key);
  }

  #bucket(value: string): Bucket {
    return this.#buckets.get(value) ?? { value, keys: new Set() };
  }
}

/**
 * The objects of one kind as last seen, by `namespace/name` and by index.
 * What it gives is shared: never change an object that came from a store.
 */
export class Store<T extends KubeObject> {
  readonly #objects = new Map<string, T>();
  readonly #indices = new Map<string, Index<T>>();

  constructor(indexers: Record<string, Indexer<T>> = {}) {
    for (const [name, indexer] of Object.entries(indexers)) this.#indices.set(name, new Index(indexer));
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(): T[] {
    return [...this.#objects.values()];
  }

  keys(): Iterable<string> {
    return this.#objects.keys();
  }

  /**
   * The objects that an index files under `value`, in the order they came.
   * @throws {RangeError} for an index that was not declared.
   */
  byIndex(name: string, value: string): T[] {
    const index = this.#indices.get(name);
    if (!index)
      throw new RangeError(`no index ${name}; declared are: ${[...this.#indices.keys()].join(', ')}`);
    const found: T[] = [];
    for (const key of index.keys(value)) {
      const object = this.#objects.get(key);
      if (object) found.push(object);
    }
    return found;
  }

  /** Adds or replaces an object; gives the one it replaced. */
  upsert(object: T): T | undefined {
    const key = keyOf(object.metadata);
    const old = this.#objects.get(key);
    this.#objects.set(key, object);
    for (const index of this.#indices.values()) index.put(key, object);
    return old;
  }

  /** Removes what is under `key`; gives what was there. */
  remove(key: string): T | undefined {
    const old = this.#objects.get(key);
    if (!old) return undefined;
    this.#objects.delete(key);
    for (const index of this.#indices.values()) index.drop(key);
    return old;
  }
}
