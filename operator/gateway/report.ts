import { clock } from './clock.ts';
import type { Control } from './control.ts';
import type { DrainOrders, DrainState } from './drainProtocol.ts';

/** What `GET /stats` tells the autoscaler of one revision; counts are since the start of the process. */
export interface RevisionReport {
  requests: number;
  /** Integral over time of (in flight + queued): differences of two readings give the mean between them. */
  concurrencyMs: number;
  inFlight: number;
  queued: number;
  /** Unix time in ms; 0 when no request has come. */
  lastRequestAt: number;
  /** Requests inside each instance, by pod name. */
  instances: Record<string, number>;
}

export interface StatsReport {
  /** Unix time in ms at which the counts were read. */
  now: number;
  instance: { start: number };
  revisions: Record<string, RevisionReport>;
  /** How far the instances are that the autoscaler has named, by UID of the pod; only in the answer to a POST. */
  drains?: Record<string, DrainState>;
}

const startedAt = Math.round(Date.now() - process.uptime() * 1000);

/**
 * The counts of all threads, for the autoscaler.
 * @param orders which instances are to go, if the autoscaler said so.
 */
export function statsReport(
  { table, stats, slots, instances, drains }: Control,
  orders?: DrainOrders,
): StatsReport {
  const now = clock();
  const states = orders && drains.take(orders, now);
  const revisions: Record<string, RevisionReport> = {};
  for (const [key, { index }] of table.entries) {
    const { requests, concurrencyMs, inFlight, queued, lastRequestAt } = stats.read(index, now);
    const inside: Record<string, number> = {};
    for (const { slot, pod } of instances.of(key)) inside[pod] = slots.inFlight(slot);
    revisions[key] = { requests, concurrencyMs, inFlight, queued, lastRequestAt, instances: inside };
  }
  return { now: Date.now(), instance: { start: startedAt }, revisions, drains: states };
}
