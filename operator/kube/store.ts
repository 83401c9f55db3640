import { type KubeObject, keyOf } from './types.ts';

/** Index values of an object: under which values of the index it is found. Must be pure. */
export type Indexer<T> = (object: T) => string[];

class Index<T> {
  readonly #indexer: Indexer<T>;
  readonly #keysOf = new Map<string, Set<string>>();
  // Kept as they were at insertion, so that removal is right even if someone changed the object meanwhile.
  readonly #valuesOf = new Map<string, string[]>();

  constructor(indexer: Indexer<T>) {
    this.#indexer = indexer;
  }

  keys(value: string): Iterable<string> {
    return this.#keysOf.get(value) ?? [];
  }

  put(key: string, object: T): void {
    this.drop(key);
    const values = this.#indexer(object);
    if (values.length === 0) return;
    this.#valuesOf.set(key, values);
    for (const value of values) {
      const keys = this.#keysOf.get(value);
      if (keys) keys.add(key);
      else this.#keysOf.set(value, new Set([key]));
    }
  }

  drop(key: string): void {
    for (const value of this.#valuesOf.get(key) ?? []) {
      const keys = this.#keysOf.get(value);
      keys?.delete(key);
      if (keys?.size === 0) this.#keysOf.delete(value);
    }
    this.#valuesOf.delete(key);
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
