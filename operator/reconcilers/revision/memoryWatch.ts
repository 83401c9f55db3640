import type { MemoryKill } from '../diagnosis/memory.ts';

/**
 * Tells each kill once. It can be seen for as long as its pod is there, so those that are older than the watch, from
 * before a restart of the controller, have been told.
 */
export class MemoryWatch {
  readonly #since: number;
  /** Revision key -> ids of the kills that can be seen and were told. */
  readonly #told = new Map<string, Set<string>>();

  /** @param since when it begins, in ms since 1970. */
  constructor(since: number) {
    this.#since = Math.floor(since / 1000) * 1000;
  }

  /** Those of the kills that are to be told now; `kills` are all that can be seen of the revision. */
  fresh(revision: string, kills: readonly MemoryKill[]): MemoryKill[] {
    const told = this.#told.get(revision);
    const fresh = kills.filter(({ id, at }) => at >= this.#since && !told?.has(id));
    if (kills.length > 0) this.#told.set(revision, new Set(kills.map(({ id }) => id)));
    else if (told) this.#told.delete(revision);
    return fresh;
  }

  forget(revision: string): void {
    this.#told.delete(revision);
  }
}
