import type { MemoryKill } from '../diagnosis/memory.ts';

/**
 * Reports each kill once. It can be seen for as long as its pod is there, so those that are older than the watch, from
 * before a restart of the controller, have been reported.
 */
export class MemoryWatch {
  readonly #since: number;
  /** Revision key -> ids of the kills that can be seen and were reported. */
  readonly #reported = new Map<string, Set<string>>();

  /** @param since when it begins, in ms since 1970. */
  constructor(since: number) {
    this.#since = Math.floor(since / 1000) * 1000;
  }

  /** Those of the kills that are to be reported now; `kills` are all that can be seen of the revision. */
  fresh(revision: string, kills: readonly MemoryKill[]): MemoryKill[] {
    const reported = this.#reported.get(revision);
    const fresh = kills.filter(({ id, at }) => at >= this.#since && !reported?.has(id));
    if (kills.length > 0) this.#reported.set(revision, new Set(kills.map(({ id }) => id)));
    else if (reported) this.#reported.delete(revision);
    return fresh;
  }

  forget(revision: string): void {
    this.#reported.delete(revision);
  }
}
