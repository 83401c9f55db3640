import { type Clock, systemClock } from './clock.ts';
import { type KubeObject, keyOf } from './types.ts';

/** Objects that are remembered; far more than change at a time. */
const MAX_OBJECTS = 10_000;
/** A cache that lacks a write for longer will not get it: someone undid it before the cache saw it. */
const LONGEST_LAG_MS = 2_000;

interface Applied {
  wanted: string;
  /** The version that the cache had; undefined when it had none. */
  replaced: string | undefined;
  at: number;
}

/**
 * What an executor knows of its own writes that the cache may not have seen: versions of subjects that they replaced
 * (by UID), objects that were applied (by name), and since when a subject's status waits to be written (by UID).
 */
export class OwnWrites {
  readonly #clock: Clock;
  readonly #replaced = new Map<string, Set<string>>();
  readonly #applied = new Map<string, Applied>();
  readonly #waiting = new Map<string, number>();

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** Whether `subject`, as the cache has it, lacks a write of our own: what is written on top of it is a conflict. */
  isBehind({ metadata: { uid = '', resourceVersion = '' } }: KubeObject): boolean {
    if (this.#replaced.get(uid)?.has(resourceVersion)) return true;
    this.#replaced.delete(uid);
    return false;
  }

  /** One's own write has made `after` of `before`. */
  wrote(before: KubeObject, after: KubeObject): void {
    const { uid = '', resourceVersion = '' } = before.metadata;
    if (after.metadata.resourceVersion === resourceVersion) return;
    const replaced = this.#replaced.get(uid) ?? new Set();
    remember(this.#replaced, uid, replaced.add(resourceVersion));
  }

  /** Whether the cache, which has `cached`, lacks that `object` was applied with the same content. */
  isApplying(object: KubeObject, wanted: string, cached: KubeObject | undefined): boolean {
    const applied = this.#applied.get(nameOf(object));
    if (!applied) return false;
    const since = this.#clock.now() - applied.at;
    const same = applied.wanted === wanted && applied.replaced === cached?.metadata.resourceVersion;
    return same && since < LONGEST_LAG_MS;
  }

  /** `object` was applied when the cache had `cached`; the server has `stored` now. */
  applied(object: KubeObject, wanted: string, cached: KubeObject | undefined, stored: KubeObject): void {
    const replaced = cached?.metadata.resourceVersion;
    if (stored.metadata.resourceVersion === replaced) return;
    remember(this.#applied, nameOf(object), { wanted, replaced, at: this.#clock.now() });
  }

  /** Milliseconds that a status has left which may wait for `waitMs` in all; the first call begins the wait. */
  leftMs({ metadata: { uid = '' } }: KubeObject, waitMs: number): number {
    const since = this.#waiting.get(uid) ?? this.#clock.now();
    remember(this.#waiting, uid, since);
    return Math.max(since + waitMs - this.#clock.now(), 0);
  }

  /** Nothing waits to be written any more. */
  settled({ metadata: { uid = '' } }: KubeObject): void {
    this.#waiting.delete(uid);
  }
}

function nameOf({ apiVersion, kind, metadata }: KubeObject): string {
  return `${apiVersion} ${kind} ${keyOf(metadata)}`;
}

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > MAX_OBJECTS && oldest !== undefined) map.delete(oldest);
}
