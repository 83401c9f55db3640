import type { Tracked } from './tracked.ts';

/** Instances by their revisions. */
export class TrackedByRevision {
  readonly #revisions = new Map<string, Set<Tracked>>();

  of(revision: string): Iterable<Tracked> {
    return this.#revisions.get(revision) ?? [];
  }

  /** Those of all revisions, as they are now. */
  all(): Tracked[] {
    return [...this.#revisions.values()].flatMap((tracked) => [...tracked]);
  }

  add(tracked: Tracked): void {
    const { revision } = tracked.pod;
    const siblings = this.#revisions.get(revision);
    if (siblings) siblings.add(tracked);
    else this.#revisions.set(revision, new Set([tracked]));
  }

  remove(tracked: Tracked): void {
    const { revision } = tracked.pod;
    const siblings = this.#revisions.get(revision);
    siblings?.delete(tracked);
    if (siblings?.size === 0) this.#revisions.delete(revision);
  }
}
