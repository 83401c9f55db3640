import { ReviewError } from './review.ts';

/** How much of a review is parsed. */
export interface Limits {
  /** Keys of one map. */
  keys: number;
  /** Keys of `object`, and of `oldObject`, each counted once. */
  differentKeys: number;
  /** Keys of `object`, and of `oldObject`, that follow {@link CROWD} others in their map. */
  crowdedKeys: number;
  /** Values of `object`, and of `oldObject`: itself and all that is in it. */
  values: number;
}

/** A map with more keys than this is a hash table to V8, which takes three times as long to fill and to list. */
export const CROWD = 1_000;
/** Values and keys of a review beside its two objects, such as the groups of the user. */
const MOST_OTHERS = 10_000;
/** Far more than an object may have different keys; a power of two. */
const SLOTS = 1 << 16;

/** The size of a review that is being read, and of the object in it that is open. */
export class ReviewSize {
  readonly #limits: Limits;
  #values = 0;
  #keys = 0;
  #crowdedKeys = 0;
  #allValues = 0;
  #allKeys = 0;
  #objects = 1;
  /** By the hash of a key, the last object that has it. Two keys in one slot count as one, so none counts twice. */
  readonly #seen = new Uint32Array(SLOTS);

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** A map opens that is `object` or `oldObject`. */
  beginObject(): void {
    this.#values = 1;
    this.#keys = 0;
    this.#crowdedKeys = 0;
    this.#objects++;
  }

  /** @throws {ReviewError} when the review is larger than two objects may be. */
  addValue(): void {
    this.#values++;
    const { values } = this.#limits;
    if (++this.#allValues > 2 * values + MOST_OTHERS) throw new ReviewError('the review has too many values');
  }

  /**
   * A key that begins and ends at these quotes.
   * @param index how many others precede it in its map.
   * @throws {ReviewError} when the review is larger than two objects may be.
   */
  addKey(body: Buffer, begin: number, end: number, index: number): void {
    if (index >= CROWD) this.#crowdedKeys++;
    let hash = 0;
    for (let i = begin + 1; i < end; i++) hash = (Math.imul(hash, 31) + (body[i] ?? 0)) | 0;
    const slot = (hash ^ (hash >>> 16)) & (SLOTS - 1);
    if (this.#seen[slot] === this.#objects) return;
    this.#seen[slot] = this.#objects;
    this.#keys++;
    const { differentKeys } = this.#limits;
    if (++this.#allKeys > 2 * differentKeys + MOST_OTHERS)
      throw new ReviewError('the review has too many keys');
  }

  /** Whether the object that is open exceeds a limit. */
  isTooLarge(): boolean {
    const { values, differentKeys, crowdedKeys } = this.#limits;
    return this.#values > values || this.#keys > differentKeys || this.#crowdedKeys > crowdedKeys;
  }
}
