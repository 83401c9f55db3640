import {
  type DurationCounts,
  type GatewayUsage,
  gatewayColdStart,
  gatewayCpuRestore,
  gatewayInstanceStart,
  type RevisionSeries,
  setCertificateSource,
  setDurationSource,
  setGatewayIssuers,
  setGatewaySource,
  setThreadSource,
  setUsageSource,
} from '../../telemetry/metrics.ts';
import type { SpanExporter } from '../../tracing/spanExporter.ts';
import { clock } from '../shared/clock.ts';
import type { HistogramCounts } from '../shared/histograms.ts';
import { ERROR_CAUSES, LATENCY_BOUNDS_MS, LATENCY_PARTS } from '../shared/stats.ts';
import { type Event, LIMIT_ACTIONS, REJECTION_REASONS, type UsageReport } from '../shared/usage.ts';
import type { Control } from './control.ts';

/** Connects the gateway's series to the shared counts; they are read on each scrape, never before. */
export function publishMetrics(control: Control): void {
  control.onStarted = (elapsedMs) => gatewayInstanceStart.observe(elapsedMs / 1000);
  control.onColdStart = (part, elapsedMs) => gatewayColdStart.observe({ part }, elapsedMs / 1000);
  control.onCpuRestored = (outcome, elapsedMs) => gatewayCpuRestore.observe({ outcome }, elapsedMs / 1000);
  setGatewaySource({
    bounds: LATENCY_BOUNDS_MS.map((bound) => bound / 1000),
    read: () => revisionSeries(control),
    unserved: () => ({ revisions: control.table.unserved, instances: control.instances.unserved }),
  });
  setThreadSource(() => control.threads.series);
  setCertificateSource(control.certificates);
  setGatewayIssuers(control.issuers);
  setUsageSource(() => usageSeries(control.slots.usage.read(), control.spans));
  const { histograms } = control.stats;
  setDurationSource((name) => inSeconds(histograms.read(name)));
}

function inSeconds({ bounds, counts, sum }: HistogramCounts): DurationCounts {
  return { bounds: bounds.map((bound) => bound / 1000), counts, sum: sum / 1000 };
}

function usageSeries(usage: UsageReport, spans: SpanExporter | undefined): GatewayUsage {
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
    forwarded: count('forwarded'),
    ejected: count('ejected'),
    accessLogDropped: count('accessLogDropped'),
    spansExported: spans?.exported ?? 0,
    spansDropped: new Map(spans?.dropped).set(
      'buffer',
      (spans?.dropped.get('buffer') ?? 0) + count('spansDropped'),
    ),
    failedHandshakes: count('failedHandshakes'),
  };
}

function revisionSeries({ table, stats }: Control): RevisionSeries[] {
  const now = clock();
  return [...table.entries].map(([key, { index }]) => {
    const [namespace = '', revision = ''] = key.split('/');
    const { latencySumMs, parts, errors, ...counts } = stats.read(index, now);
    return {
      namespace,
      revision,
      classes: counts.classes,
      inFlight: counts.inFlight,
      queued: counts.queued,
      latency: counts.latency,
      latencySum: latencySumMs / 1000,
      parts: LATENCY_PARTS.map((part, i) => [part, (parts[i] as number) / 1000] as const),
      errors: ERROR_CAUSES.flatMap((cause, i) => (errors[i] ? [[cause, errors[i]] as const] : [])),
    };
  });
}
