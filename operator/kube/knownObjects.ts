import { hash } from 'node:crypto';
import { frozen } from './json.ts';
import { completeList, type RawList, stripManagedFields } from './list.ts';
import { splitList } from './listText.ts';
import type { KubeObject, ResourceType } from './types.ts';

/**
 * Bytes of text whose objects are remembered: about 1,000 services. With what they look like in v1 and v2 they take two to
 * three times as much memory.
 */
const MOST = 4 << 20;

interface Known {
  object: KubeObject;
  /** Of its text, in bytes. */
  size: number;
}

/**
 * Objects of lists by the text that they were read from: who lists the same again and again reads only what has changed.
 * The text says all, where a UID and a resourceVersion would not: the API server fills in defaults as it reads, and a
 * restored cluster counts versions anew. So it does not matter either who has asked for the list. Objects are frozen, as
 * many share them; those that were used longest ago are forgotten first.
 */
export class KnownObjects {
  readonly #most: number;
  readonly #known = new Map<string, Known>();
  #size = 0;

  /** @param most bytes of text whose objects are remembered. */
  constructor(most = MOST) {
    this.#most = most;
  }

  /** Bytes of text whose objects are remembered. */
  get size(): number {
    return this.#size;
  }

  /**
   * The list that a text says, with objects that are known by their texts.
   * @throws {SyntaxError} for what is no JSON.
   */
  readList<T extends KubeObject>(text: Buffer, type: ResourceType<T>): RawList<T> {
    const parts = splitList(text, type);
    try {
      if (parts) return { ...parts.envelope, items: parts.items.map((item) => this.#read<T>(item)) };
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
    return completeList(JSON.parse(text.toString()), type);
  }

  /** @throws {SyntaxError} */
  #read<T extends KubeObject>(text: Buffer): T {
    const key = hash('sha256', text, 'base64');
    const known = this.#known.get(key);
    const object = known?.object ?? frozen(stripManagedFields(JSON.parse(text.toString()) as KubeObject));
    // What was used last is last in the map.
    this.#known.delete(key);
    this.#known.set(key, { object, size: text.length });
    if (!known) this.#forget(text.length);
    return object as T;
  }

  #forget(added: number): void {
    this.#size += added;
    for (const [key, { size }] of this.#known) {
      if (this.#size <= this.#most) return;
      this.#known.delete(key);
      this.#size -= size;
    }
  }
}
