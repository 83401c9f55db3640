import { clock } from '../shared/clock.ts';
import type { DrainOrders } from '../shared/drainProtocol.ts';
import type { RevisionStatsReport, StatsReport } from '../shared/statsReport.ts';
import type { Control } from './control.ts';

const startedAt = Math.round(Date.now() - process.uptime() * 1000);

/** A change is told again for so long, in ms: not everything of a row changes at the same moment. */
const AGAIN_MS = 2_000;

/** What of the control thread counts. */
export type CountSources = Pick<Control, 'table' | 'stats' | 'slots' | 'instances' | 'drains'>;

/** When a change of a revision's counts was first seen. */
interface Seen {
  version: number;
  at: number;
}

/**
 * The counts of all threads, for the autoscaler. Most of ten thousand revisions sleep, and it asks every second: what
 * has not changed since its last answer is left out where it says which one it has.
 */
export class StatsReporter {
  readonly #control: CountSources;
  readonly #now: () => number;
  /** By the number of the row; it may be another revision's by now, which is as good as a change. */
  readonly #seen = new Map<number, Seen>();

  /** @param now {@link clock}. */
  constructor(control: CountSources, now: () => number = clock) {
    this.#control = control;
    this.#now = now;
  }

  /** @param orders which instances are to go, if the autoscaler said so. */
  report(orders?: DrainOrders): StatsReport {
    const { table, stats, slots, instances, drains } = this.#control;
    const now = this.#now();
    const states = orders && drains.take(orders, now);
    const since = orders?.known?.start === startedAt ? orders.known.at - AGAIN_MS : undefined;
    const revisions: Record<string, RevisionStatsReport> = {};
    for (const [key, { index }] of table.entries) {
      const changedAt = this.#look(index, now);
      if (since !== undefined && changedAt < since) continue;
      const { requests, concurrencyMs, inFlight, queued, lastRequestAt } = stats.read(index, now);
      const inside: Record<string, number> = {};
      for (const { slot, pod } of instances.of(key)) inside[pod] = slots.inFlight(slot);
      revisions[key] = { requests, concurrencyMs, inFlight, queued, lastRequestAt, instances: inside };
    }
    const instance = { start: startedAt };
    return { now: Date.now(), instance, at: now, partial: since !== undefined, revisions, drains: states };
  }

  /** When a row last changed. One with requests inside always does: their time goes on. */
  #look(index: number, now: number): number {
    const { stats } = this.#control;
    const version = stats.version(index);
    const seen = this.#seen.get(index);
    if (seen && seen.version === version && !stats.isActive(index)) return seen.at;
    if (seen) Object.assign(seen, { version, at: now });
    else this.#seen.set(index, { version, at: now });
    return now;
  }
}
