import {
  gatewayColdStart,
  type RevisionSeries,
  setGatewaySource,
  setThreadSource,
} from '../telemetry/metrics.ts';
import { clock } from './clock.ts';
import type { Control } from './control.ts';
import { LATENCY_BOUNDS_MS } from './stats.ts';

/** Connects the gateway's series to the shared counts; they are read when somebody asks, never before. */
export function publishMetrics(control: Control): void {
  control.onStarted = (_revision, elapsedMs) => gatewayColdStart.observe(elapsedMs / 1000);
  setGatewaySource({
    bounds: LATENCY_BOUNDS_MS.map((bound) => bound / 1000),
    read: () => revisionSeries(control),
    unserved: () => ({ revisions: control.table.unserved, instances: control.instances.unserved }),
  });
  setThreadSource(() => control.threads.series);
}

function revisionSeries({ table, stats }: Control): RevisionSeries[] {
  const now = clock();
  return [...table.entries].map(([key, { index }]) => {
    const [namespace = '', revision = ''] = key.split('/');
    const { classes, inFlight, queued, latency, latencySumMs } = stats.read(index, now);
    return { namespace, revision, classes, inFlight, queued, latency, latencySum: latencySumMs / 1000 };
  });
}
