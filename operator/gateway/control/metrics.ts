import {
  type GatewayUsage,
  gatewayColdStart,
  type RevisionSeries,
  setGatewaySource,
  setThreadSource,
  setUsageSource,
} from '../../telemetry/metrics.ts';
import { clock } from '../shared/clock.ts';
import { LATENCY_BOUNDS_MS } from '../shared/stats.ts';
import {
  type Event,
  LIMIT_ACTIONS,
  REJECTION_REASONS,
  type UsageReport,
  WAIT_BOUNDS_MS,
} from '../shared/usage.ts';
import type { Control } from './control.ts';

/** Connects the gateway's series to the shared counts; they are read on each scrape, never before. */
export function publishMetrics(control: Control): void {
  control.onStarted = (_revision, elapsedMs) => gatewayColdStart.observe(elapsedMs / 1000);
  setGatewaySource({
    bounds: LATENCY_BOUNDS_MS.map((bound) => bound / 1000),
    read: () => revisionSeries(control),
    unserved: () => ({ revisions: control.table.unserved, instances: control.instances.unserved }),
  });
  setThreadSource(() => control.threads.series);
  setUsageSource(() => usageSeries(control.slots.usage.read()));
}

function usageSeries(usage: UsageReport): GatewayUsage {
  const { count, connections, http1Connections, http2Connections } = usage;
  const counts = (events: readonly Event[]): Map<string, number> =>
    new Map(events.map((event) => [event, count(event)]));
  return {
    connections: new Map([
      ['http1', http1Connections],
      ['http2', http2Connections],
      ['unknown', connections - http1Connections - http2Connections],
    ]),
    websockets: usage.websockets,
    bytes: new Map([
      ['requests', usage.requestBytes],
      ['answers', usage.answerBytes],
      ['headers', usage.headerBytes],
    ]),
    refusals: counts(REJECTION_REASONS),
    limitActions: counts(LIMIT_ACTIONS),
    clientsLeft: count('clientLeft'),
    faults: count('internalError'),
    repeated: count('repeated'),
    ejected: count('ejected'),
    waits: {
      bounds: WAIT_BOUNDS_MS.map((bound) => bound / 1000),
      counts: [...WAIT_BOUNDS_MS, Number.POSITIVE_INFINITY].map((bound) => count(`wait${bound}`)),
      sum: count('waitedMs') / 1000,
    },
  };
}

function revisionSeries({ table, stats }: Control): RevisionSeries[] {
  const now = clock();
  return [...table.entries].map(([key, { index }]) => {
    const [namespace = '', revision = ''] = key.split('/');
    const { classes, inFlight, queued, latency, latencySumMs } = stats.read(index, now);
    return { namespace, revision, classes, inFlight, queued, latency, latencySum: latencySumMs / 1000 };
  });
}
