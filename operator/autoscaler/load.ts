import type { RevisionStatsReport, StatsReport } from '../gateway/shared/statsReport.ts';

/** A revision's requests, of one gateway or of all. */
export interface RequestLoad {
  /** In flight and queued now. */
  present: number;
  /** Mean of in flight and queued since the previous scrape. */
  mean: number;
  /** By this process's clock; 0 when none has arrived. */
  lastRequestAt: number;
  readonly instances: Map<string, number>;
}

export type Loads = Map<string, RequestLoad>;

/**
 * The loads between two reports of a gateway. Without an earlier report of the same process there is no difference to
 * take, so the present requests stand in for the mean. A revision that had no request between the two is left out, and so
 * is one that a partial report does not contain.
 *
 * @param now this process's clock when the report arrived; times of the gateway's clock are converted by age.
 */
export function loadsBetween(previous: StatsReport | undefined, current: StatsReport, now: number): Loads {
  const same = previous?.instance.start === current.instance.start ? previous : undefined;
  const elapsed = same ? elapsedMs(same, current) : 0;
  const loads: Loads = new Map();
  for (const [revision, row] of Object.entries(current.revisions)) {
    const before = since(same?.revisions[revision], row);
    const present = row.inFlight + row.queued;
    // A request that arrived while the gateway read its clock can make the integral slightly smaller than before.
    const grown = Math.max(0, row.concurrencyMs - (before?.concurrencyMs ?? 0));
    const mean = elapsed > 0 ? grown / elapsed : present;
    const active = present > 0 || mean > 0 || row.requests !== (before?.requests ?? 0);
    if (!active) continue;
    const quiet = present === 0 && !same;
    const lastRequestAt = quiet ? now - Math.max(0, current.now - row.lastRequestAt) : now;
    loads.set(revision, { present, mean, lastRequestAt, instances: new Map(Object.entries(row.instances)) });
  }
  return loads;
}

/** By the clock that nobody sets, but for reports of an older release: they have the time of day alone. */
function elapsedMs(previous: StatsReport, current: StatsReport): number {
  const isDated = previous.at !== undefined && current.at !== undefined;
  return isDated ? current.at - previous.at : current.now - previous.now;
}

/** A gateway's full report: a partial one merged into the previous one, which is modified. */
export function mergedStats(previous: StatsReport | undefined, current: StatsReport): StatsReport {
  if (!current.partial) return current;
  return { ...current, revisions: Object.assign(previous?.revisions ?? {}, current.revisions) };
}

/** The row to count from; undefined for one that the gateway has dropped and created again. */
function since(
  before: RevisionStatsReport | undefined,
  row: RevisionStatsReport,
): RevisionStatsReport | undefined {
  return before && row.requests >= before.requests ? before : undefined;
}

/** The sum of a revision's requests in one gateway and in others; modifies neither. */
export function addLoad(
  sum: RequestLoad | undefined,
  load: RequestLoad | undefined,
): RequestLoad | undefined {
  if (!sum || !load) return sum ?? load;
  const instances = new Map(sum.instances);
  for (const [pod, inFlight] of load.instances) instances.set(pod, (instances.get(pod) ?? 0) + inFlight);
  return {
    present: sum.present + load.present,
    mean: sum.mean + load.mean,
    lastRequestAt: Math.max(sum.lastRequestAt, load.lastRequestAt),
    instances,
  };
}
