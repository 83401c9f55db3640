import { clock } from '../shared/clock.ts';
import type { ColdStarts } from './coldStarts.ts';
import type { Drains } from './drains.ts';
import type { Instances } from './instances.ts';
import type { ReducedInstances } from './reducedInstances.ts';
import type { Waker } from './wake.ts';

/** A data thread repeats every second that a request waits; without a message for longer, none does. */
const WANTED_MS = 2500;

interface Parts {
  instances: Instances;
  reduced: ReducedInstances;
  drains: Drains;
  coldStarts: ColdStarts;
  waker: Waker;
}

/** The revisions for which a request waits while the data threads have no instance: what each of them needs. */
export class WantedRevisions {
  readonly #parts: Parts;
  readonly #wantedAt = new Map<string, number>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** A data thread reports it: an instance is taken back, gets its CPU back, or is started. */
  wanted(revision: string): void {
    const { instances, reduced, drains, coldStarts, waker } = this.#parts;
    const exists = instances.usable(revision) > 0 || drains.takeBack(revision);
    reduced.wanted(revision);
    if (exists) return;
    const now = clock();
    this.#wantedAt.set(revision, now);
    coldStarts.wanted(revision, now);
    instances.setWanted(revision, true);
    const needed = (): boolean =>
      instances.usable(revision) === 0 &&
      clock() - (this.#wantedAt.get(revision) ?? Number.NEGATIVE_INFINITY) < WANTED_MS;
    // An instance that is being removed is still counted in the replicas, until the autoscaler has lowered them.
    const leaving = (): boolean => instances.count(revision) > 0;
    void waker.wake(revision, needed, leaving).then((raised) => {
      if (raised) coldStarts.decided(revision, clock());
    });
  }

  /** Forgets the revisions for which no request waits any more. */
  tick(now: number): void {
    const { instances, coldStarts } = this.#parts;
    for (const [revision, at] of this.#wantedAt) {
      if (now - at < WANTED_MS) continue;
      this.#wantedAt.delete(revision);
      instances.setWanted(revision, false);
      coldStarts.unwanted(revision);
    }
  }
}
