import { clock } from '../shared/clock.ts';
import type { DrainOrders } from '../shared/drainProtocol.ts';
import type { RevisionStatsReport, StatsReport } from '../shared/statsReport.ts';
import type { Control } from './control.ts';

const startedAt = Math.round(Date.now() - process.uptime() * 1000);

/** How long a change is reported again, in ms: the fields of a row do not all change at the same moment. */
const REPEAT_MS = 2_000;

/** The sources of the counts in the control thread. */
export type CountSources = Pick<Control, 'table' | 'stats' | 'slots' | 'instances' | 'drains'>;

/** When a change of a revision's counts was first seen. */
interface Seen {
  version: number;
  at: number;
}

/**
 * Reports the counts of all threads to the autoscaler. Most of ten thousand revisions are idle, and it polls every
 * second: revisions that have not changed since the report that it names are left out.
 */
export class StatsReporter {
  readonly #control: CountSources;
  readonly #now: () => number;
  /** By index of the row; a row that was given to another revision counts as changed. */
  readonly #seen = new Map<number, Seen>();

  /** @param now {@link clock}. */
  constructor(control: CountSources, now: () => number = clock) {
    this.#control = control;
    this.#now = now;
  }

  /** @param orders the instances that are being scaled in; undefined for a GET. */
  report(orders?: DrainOrders): StatsReport {
    const { table, stats, slots, instances, drains } = this.#control;
    const now = this.#now();
    const states = orders && drains.take(orders, now);
    const since = orders?.known?.start === startedAt ? orders.known.at - REPEAT_MS : undefined;
    const revisions: Record<string, RevisionStatsReport> = {};
    for (const [key, { index }] of table.entries) {
      const changedAt = this.#changedAt(index, now);
      if (since !== undefined && changedAt < since) continue;
      const { requests, concurrencyMs, inFlight, queued, lastRequestAt } = stats.read(index, now);
      const inFlightOf: Record<string, number> = {};
      for (const { slot, pod } of instances.of(key)) inFlightOf[pod] = slots.ownInFlight(slot);
      revisions[key] = { requests, concurrencyMs, inFlight, queued, lastRequestAt, instances: inFlightOf };
    }
    const instance = { start: startedAt };
    return { now: Date.now(), instance, at: now, partial: since !== undefined, revisions, drains: states };
  }

  /** When a row last changed. One with requests in flight changes all the time: their duration grows. */
  #changedAt(index: number, now: number): number {
    const { stats } = this.#control;
    const version = stats.version(index);
    const seen = this.#seen.get(index);
    if (seen && seen.version === version && !stats.isActive(index)) return seen.at;
    if (seen) Object.assign(seen, { version, at: now });
    else this.#seen.set(index, { version, at: now });
    return now;
  }
}
