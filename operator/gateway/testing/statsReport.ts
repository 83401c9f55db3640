import type { RevisionStatsReport, StatsReport } from '../shared/statsReport.ts';

/** A revision without requests, but for these changes. */
export function revisionReport(changes: Partial<RevisionStatsReport> = {}): RevisionStatsReport {
  return {
    requests: 0,
    concurrencyMs: 0,
    inFlight: 0,
    queued: 0,
    lastRequestAt: 0,
    instances: {},
    ...changes,
  };
}

/** The report of a gateway, with one revision `n/a` where something of it is given. */
export function statsReport(now: number, start: number, changes?: Partial<RevisionStatsReport>): StatsReport {
  return { now, instance: { start }, revisions: changes ? { 'n/a': revisionReport(changes) } : {} };
}
