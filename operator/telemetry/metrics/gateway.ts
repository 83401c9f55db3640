import { Counter, Gauge, Histogram } from '../prometheus.ts';
import { countedHistogram } from './countedHistogram.ts';
import { oncePerTurn } from './oncePerTurn.ts';
import { registers } from './registry.ts';

// The request path.

/** What the gateway's shared memory holds of one revision. */
export interface RevisionSeries {
  namespace: string;
  revision: string;
  /** Answers with status 1xx to 5xx. */
  classes: readonly number[];
  inFlight: number;
  queued: number;
  /** Answers by latency bucket, not cumulative; the last has no bound. */
  latency: readonly number[];
  /** Seconds. */
  latencySum: number;
  /** The same seconds by part: queue, gateway, upstream, response. */
  parts: readonly (readonly [part: string, seconds: number])[];
  /** Requests without the (whole) response of an instance by cause, where there are any. */
  errors: readonly (readonly [cause: string, count: number])[];
}

export const gatewayColdStart = new Histogram({
  name: 'homerun_gateway_cold_start_seconds',
  help: 'Starts of revisions from zero for a request, by part: decide, schedule (until the container runs, with the pull of its image), start (until the startup probe passes), first_byte (until the first response)',
  labelNames: ['part'],
  buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 240],
  registers,
});

export const gatewayInstanceStart = new Histogram({
  name: 'homerun_gateway_instance_start_seconds',
  help: 'Time from the first sight of an instance until it passed its startup probe',
  buckets: [0.1, 0.25, 0.5, 1, 1.5, 2, 3, 5, 10, 20, 30, 60, 120, 240],
  registers,
});

export const gatewayCpuRestore = new Histogram({
  name: 'homerun_gateway_cpu_restore_seconds',
  help: 'Waits for the CPU request of an idle instance, from the first request that needs it, by outcome: restored; limit, when requests went to it all the same',
  labelNames: ['outcome'],
  buckets: [0.1, 0.25, 0.5, 1, 1.5, 2, 3, 4, 5, 8],
  registers,
});

export const gatewayAddresses = new Counter({
  name: 'homerun_gateway_node_addresses_total',
  help: 'Addresses of new pods that nodes have told, by outcome: used; late, the API showed one before; wrong, the API shows another one after it was used; unknown, no instance; rejected, of a pod of another node or taken by another pod',
  labelNames: ['outcome'],
  registers,
});

/** Where the gateway's series per revision come from: its shared memory, read when /metrics is asked. */
export interface GatewaySource {
  /** Upper bounds of the latency buckets in seconds. */
  bounds: readonly number[];
  read(): RevisionSeries[];
  /** What exceeds the gateway's bounds: revisions get 503, instances get no request. */
  unserved(): { revisions: number; instances: number };
}

let gatewaySource: GatewaySource = {
  bounds: [],
  read: () => [],
  unserved: () => ({ revisions: 0, instances: 0 }),
};

/** So a request costs nothing here, and a revision that goes takes its series along. */
export function setGatewaySource(source: GatewaySource): void {
  gatewaySource = { ...source, read: oncePerTurn(source.read) };
}

const revisionLabels = ['namespace', 'revision'] as const;

export const gatewayRequests = new Counter({
  name: 'homerun_gateway_requests_total',
  help: 'Requests answered, by the first digit of the status',
  labelNames: [...revisionLabels, 'class'],
  registers,
  collect() {
    this.reset();
    for (const { namespace, revision, classes } of gatewaySource.read()) {
      classes.forEach((count, i) => {
        if (count > 0) this.inc({ namespace, revision, class: `${i + 1}xx` }, count);
      });
    }
  },
});

export const gatewayInFlight = new Gauge({
  name: 'homerun_gateway_in_flight',
  help: 'Requests inside instances',
  labelNames: revisionLabels,
  registers,
  collect() {
    this.reset();
    for (const { namespace, revision, inFlight } of gatewaySource.read()) {
      this.set({ namespace, revision }, inFlight);
    }
  },
});

export const gatewayQueueDepth = new Gauge({
  name: 'homerun_gateway_queue_depth',
  help: 'Requests waiting for an instance',
  labelNames: revisionLabels,
  registers,
  collect() {
    this.reset();
    for (const { namespace, revision, queued } of gatewaySource.read())
      this.set({ namespace, revision }, queued);
  },
});

export const gatewayTime = new Counter({
  name: 'homerun_gateway_time_seconds_total',
  help: 'Time of the requests answered, by part: queue, gateway (until the request is sent), upstream (until the first byte of the response), response (until its end)',
  labelNames: [...revisionLabels, 'part'],
  registers,
  collect() {
    this.reset();
    for (const { namespace, revision, parts } of gatewaySource.read()) {
      for (const [part, seconds] of parts) this.inc({ namespace, revision, part }, seconds);
    }
  },
});

export const gatewayErrors = new Counter({
  name: 'homerun_gateway_errors_total',
  help: 'Requests that did not get the whole response of an instance, by cause: a reason of homerun_gateway_refusals_total, client_left, response_broken',
  labelNames: [...revisionLabels, 'cause'],
  registers,
  collect() {
    this.reset();
    for (const { namespace, revision, errors } of gatewaySource.read()) {
      for (const [cause, count] of errors) this.inc({ namespace, revision, cause }, count);
    }
  },
});

export const gatewayUnserved = new Gauge({
  name: 'homerun_gateway_unserved',
  help: 'Revisions and instances beyond what a gateway can hold',
  labelNames: ['what'],
  registers,
  collect() {
    const { revisions, instances } = gatewaySource.unserved();
    this.set({ what: 'revisions' }, revisions);
    this.set({ what: 'instances' }, instances);
  },
});

countedHistogram(
  'homerun_gateway_request_duration_seconds',
  'Time from the arrival of a request to the end of its answer',
  ['namespace', 'revision'],
  () => gatewaySource.bounds,
  () =>
    gatewaySource.read().map(({ namespace, revision, latency, latencySum }) => ({
      labels: { namespace, revision },
      counts: latency,
      sum: latencySum,
    })),
);
