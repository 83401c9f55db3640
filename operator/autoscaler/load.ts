import type { DrainState } from '../gateway/shared/drainProtocol.ts';

/** One revision's row in a gateway's answer; counters run since the gateway's process started. */
export interface RevisionStats {
  readonly requests: number;
  /** Integral over time of (in flight + queued), in request-milliseconds. */
  readonly concurrencyMs: number;
  readonly inFlight: number;
  readonly queued: number;
  /** 0 when none came. */
  readonly lastRequestAt: number;
  /** Requests in flight by pod name. */
  readonly instances: Readonly<Record<string, number>>;
}

/** What a gateway's `/stats` answers. Times are its own clock's, ms since the epoch. */
export interface GatewayStats {
  readonly now: number;
  readonly instance: { readonly start: number };
  /** Names this answer, to the process that gave it; absent for a gateway from before there was that. */
  readonly at?: number;
  /** Revisions are left out that have not changed since the answer that was named in the question. */
  readonly partial?: boolean;
  readonly revisions: Readonly<Record<string, RevisionStats>>;
  /** How far the instances are that were named in the question; absent for a gateway from before there was that. */
  readonly drains?: Readonly<Record<string, DrainState>>;
}

/** A revision's requests, of one gateway or of all. */
export interface RequestLoad {
  /** In flight and queued now. */
  present: number;
  /** Mean of in flight and queued since the scrape before. */
  mean: number;
  /** By this process's clock; 0 when none came. */
  lastRequestAt: number;
  readonly instances: Map<string, number>;
}

export type Loads = Map<string, RequestLoad>;

/**
 * What happened between two answers of a gateway. Without an earlier answer of the same process there is no
 * difference to take, so the requests of the moment stand for the mean. A revision that had no request between
 * the two is left out, and so is one that a partial answer does not name.
 *
 * @param now this process's clock when the answer came; times of the gateway's clock are carried over by age.
 */
export function loadsBetween(previous: GatewayStats | undefined, current: GatewayStats, now: number): Loads {
  const same = previous?.instance.start === current.instance.start ? previous : undefined;
  const elapsed = same ? current.now - same.now : 0;
  const loads: Loads = new Map();
  for (const [revision, row] of Object.entries(current.revisions)) {
    const before = since(same?.revisions[revision], row);
    const present = row.inFlight + row.queued;
    // A request that came while the gateway read its clock can make the integral a trifle smaller than before.
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

/** All that is known of a gateway's revisions: what it told now, over what it told before. The earlier one is used up. */
export function mergedStats(previous: GatewayStats | undefined, current: GatewayStats): GatewayStats {
  if (!current.partial) return current;
  return { ...current, revisions: Object.assign(previous?.revisions ?? {}, current.revisions) };
}

/** What to count from: nothing for a row that the gateway has dropped and opened again. */
function since(before: RevisionStats | undefined, row: RevisionStats): RevisionStats | undefined {
  return before && row.requests >= before.requests ? before : undefined;
}

/** The sum of a revision's requests in one gateway and in others; it leaves both as they are. */
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

export class StatsError extends Error {
  readonly code = 'GATEWAY_STATS_INVALID';
}

/**
 * Checks an answer before anything is counted from it.
 * @throws {StatsError} naming the first field that is not as it must be.
 */
export function checkStats(body: unknown): GatewayStats {
  const { now, instance, at = 0, revisions, drains = {} } = record(body, 'the answer');
  record(drains, 'drains');
  finite(now, 'now');
  finite(at, 'at');
  finite(record(instance, 'instance').start, 'instance.start');
  for (const [key, value] of Object.entries(record(revisions, 'revisions'))) {
    const row = record(value, key);
    for (const field of ['requests', 'concurrencyMs', 'inFlight', 'queued', 'lastRequestAt']) {
      finite(row[field], `${key}: ${field}`);
    }
    for (const [pod, count] of Object.entries(record(row.instances, `${key}: instances`))) {
      finite(count, `${key}: instances.${pod}`);
    }
  }
  return body as GatewayStats;
}

function record(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  throw new StatsError(`gateway stats: ${what} is ${JSON.stringify(value)}, not an object`);
}

function finite(value: unknown, what: string): void {
  if (typeof value === 'number' && Number.isFinite(value)) return;
  throw new StatsError(`gateway stats: ${what} is ${JSON.stringify(value)}, not a number`);
}
