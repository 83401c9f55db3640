import type { DrainState } from './drainProtocol.ts';

/** One revision in a {@link StatsReport}; counters run since the start of the gateway's process. */
export interface RevisionStatsReport {
  readonly requests: number;
  /** Integral over time of (in flight + queued), in request-milliseconds: two readings give the mean between them. */
  readonly concurrencyMs: number;
  readonly inFlight: number;
  readonly queued: number;
  /** Unix time in ms; 0 when no request has arrived. */
  readonly lastRequestAt: number;
  /** Requests in flight by pod name. */
  readonly instances: Readonly<Record<string, number>>;
}

/** What a gateway answers to `GET /stats` and `POST /stats`, for the autoscaler. */
export interface StatsReport {
  /** Unix time in ms at which the counts were read, by the gateway's clock. */
  readonly now: number;
  /** Unix time in ms at which the gateway's process started. */
  readonly instance: { readonly start: number };
  /**
   * When the counts were read, in ms on a clock of this process (see `known` of the drain orders); absent in the report of
   * an older release.
   */
  readonly at?: number;
  /** Revisions are left out that have not changed since the report that the autoscaler named. */
  readonly partial?: boolean;
  readonly revisions: Readonly<Record<string, RevisionStatsReport>>;
  /**
   * How far the drain of each named instance is, by UID of its pod; only in the answer to a POST, and absent in the
   * report of a release that knows no drain.
   */
  readonly drains?: Readonly<Record<string, DrainState>>;
}

export class StatsReportError extends Error {
  readonly code = 'GATEWAY_STATS_INVALID';
}

/**
 * Checks a report before anything is counted from it.
 * @throws {StatsReportError} naming the first field that is invalid.
 */
export function checkStatsReport(body: unknown): StatsReport {
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
  return body as StatsReport;
}

function record(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  throw new StatsReportError(`gateway stats: ${what} is ${JSON.stringify(value)}, not an object`);
}

function finite(value: unknown, what: string): void {
  if (typeof value === 'number' && Number.isFinite(value)) return;
  throw new StatsReportError(`gateway stats: ${what} is ${JSON.stringify(value)}, not a number`);
}
