import { type Clock, systemClock } from './clock.ts';
import { type KubeObject, keyOf } from './types.ts';

/** Statuses that wait, those of objects that went meanwhile too; far more than there are at a time. */
const MAX_WAITING = 10_000;
/**
 * A cache that lacks a write for longer may never get it, as someone undid it before the cache saw it: the server is
 * asked then, and refuses what is out of date.
 */
const LONGEST_LAG_MS = 2_000;

interface Replaced {
  versions: Set<string>;
  at: number;
}

interface Applied {
  wanted: string;
  /** The version that the cache had; undefined when it had none. */
  replaced: string | undefined;
  /** The version that it made. */
  made: string | undefined;
  at: number;
}

/**
 * What an executor knows of its own writes that the cache may not have seen: versions of subjects that they replaced
 * (by UID), objects that were applied (by name), and since when a subject's status waits to be written (by UID).
 */
export class OwnWrites {
  readonly #clock: Clock;
  readonly #replaced = new Map<string, Replaced>();
  readonly #applied = new Map<string, Applied>();
  readonly #waiting = new Map<string, number>();

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** Whether `subject`, as the cache has it, lacks a write of our own: what is written on top of it is a conflict. */
  isBehind({ metadata: { uid = '', resourceVersion = '' } }: KubeObject): boolean {
    const replaced = this.#replaced.get(uid);
    if (replaced?.versions.has(resourceVersion) && this.#isRecent(replaced.at)) return true;
    this.#replaced.delete(uid);
    return false;
  }

  /** One's own write has made `after` of `before`. */
  wrote(before: KubeObject, after: KubeObject): void {
    const { uid = '', resourceVersion = '' } = before.metadata;
    if (after.metadata.resourceVersion === resourceVersion) return;
    const versions = this.#replaced.get(uid)?.versions ?? new Set();
    this.#remember(this.#replaced, uid, { versions: versions.add(resourceVersion), at: this.#clock.now() });
  }

  /** What `object` was last applied with, where the cache, which has `cached`, lacks that; undefined where it does not. */
  unseen(object: KubeObject, cached: KubeObject | undefined): string | undefined {
    const applied = this.#applied.get(nameOf(object));
    if (!applied || !lacks(cached?.metadata.resourceVersion, applied)) return undefined;
    return this.#isRecent(applied.at) ? applied.wanted : undefined;
  }

  /** `object` was applied when the cache had `cached`; the server has `stored` now. */
  applied(object: KubeObject, wanted: string, cached: KubeObject | undefined, stored: KubeObject): void {
    const replaced = cached?.metadata.resourceVersion;
    const made = stored.metadata.resourceVersion;
    if (made === replaced) return;
    this.#remember(this.#applied, nameOf(object), { wanted, replaced, made, at: this.#clock.now() });
  }

  /** Milliseconds that a status has left which may wait for `waitMs` in all; the first call begins the wait. */
  leftMs({ metadata: { uid = '' } }: KubeObject, waitMs: number): number {
    const since = this.#waiting.get(uid) ?? this.#clock.now();
    this.#waiting.set(uid, since);
    const [oldest] = this.#waiting.keys();
    if (this.#waiting.size > MAX_WAITING && oldest !== undefined) this.#waiting.delete(oldest);
    return Math.max(since + waitMs - this.#clock.now(), 0);
  }

  /** Nothing waits to be written any more. */
  forgetWait({ metadata: { uid = '' } }: KubeObject): void {
    this.#waiting.delete(uid);
  }

  /** Keeps the newest last, and drops what is of no use any more. */
  #remember<T extends { at: number }>(map: Map<string, T>, key: string, value: T): void {
    map.delete(key);
    map.set(key, value);
    for (const [old, { at }] of map) {
      if (this.#isRecent(at)) return;
      map.delete(old);
    }
  }

  #isRecent(at: number): boolean {
    return this.#clock.now() - at < LONGEST_LAG_MS;
  }
}

/**
 * Whether a cache that has this version lacks the write. Others may have written before it, so that the cache has versions
 * between the two first; versions of one kind grow (Kubernetes, Resource versions).
 */
function lacks(cached: string | undefined, { replaced, made }: Applied): boolean {
  return cached === replaced || Number(cached) < Number(made);
}

/** With its owner: what was made for an earlier one of the name says nothing of this one's. */
function nameOf({ apiVersion, kind, metadata }: KubeObject): string {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller);
  return `${apiVersion} ${kind} ${keyOf(metadata)} ${owner?.uid}`;
}
