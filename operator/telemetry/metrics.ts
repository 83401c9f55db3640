import { Counter, Gauge, Histogram, Registry } from 'prom-client';

// Every series of the product is declared in this file, so that a name, its labels and its meaning are found
// in one place. Label sets are bounded: never an object's name, unless the series is removed with the object.

/** What the admin port's /metrics gives. */
export const registry = new Registry();
const registers = [registry];

/** From a cache hit to a stuck request, in seconds. */
const DURATIONS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

// ---- kube: the controller runtime ----

export const queueDepth = new Gauge({
  name: 'homerun_workqueue_depth',
  help: 'Keys that are ready and wait for a worker',
  labelNames: ['name'],
  registers,
});

export const queueAdds = new Counter({
  name: 'homerun_workqueue_adds_total',
  help: 'Keys added to the queue, also those that were in it already',
  labelNames: ['name'],
  registers,
});

export const queueLatency = new Histogram({
  name: 'homerun_workqueue_queue_duration_seconds',
  help: 'Time that a ready key waited for a worker',
  labelNames: ['name'],
  buckets: DURATIONS,
  registers,
});

export const workDuration = new Histogram({
  name: 'homerun_workqueue_work_duration_seconds',
  help: 'Time that a worker held a key',
  labelNames: ['name'],
  buckets: DURATIONS,
  registers,
});

export const queueRetries = new Counter({
  name: 'homerun_workqueue_retries_total',
  help: 'Keys that were put back with a growing delay after a failure',
  labelNames: ['name'],
  registers,
});

export const reconciles = new Counter({
  name: 'homerun_reconciles_total',
  help: 'Reconciles by how they ended: done, requeue, stale, error, terminal',
  labelNames: ['controller', 'result'],
  registers,
});

export const reflectorLists = new Counter({
  name: 'homerun_reflector_lists_total',
  help: 'Complete lists of a kind by result: ok, error',
  labelNames: ['kind', 'result'],
  registers,
});

export const reflectorRelists = new Counter({
  name: 'homerun_reflector_relists_total',
  help: 'Lists that had to be repeated, by reason: expired, failing',
  labelNames: ['kind', 'reason'],
  registers,
});

export const watchRestarts = new Counter({
  name: 'homerun_reflector_watch_restarts_total',
  help: 'Watches that ended and were opened again, by reason: closed, idle, expired, error',
  labelNames: ['kind', 'reason'],
  registers,
});

export const watchEvents = new Counter({
  name: 'homerun_reflector_watch_events_total',
  help: 'Events read from watches, bookmarks too',
  labelNames: ['kind', 'type'],
  registers,
});

export const cachedObjects = new Gauge({
  name: 'homerun_reflector_objects',
  help: 'Objects held in the cache',
  labelNames: ['kind'],
  registers,
});

export const clientRequests = new Counter({
  name: 'homerun_kube_requests_total',
  help: 'Requests to the API server by verb and HTTP status; code 0 is no answer',
  labelNames: ['verb', 'code'],
  registers,
});

export const clientDuration = new Histogram({
  name: 'homerun_kube_request_duration_seconds',
  help: 'Time from a request to the end of its answer; for a watch, to its first byte',
  labelNames: ['verb'],
  buckets: DURATIONS,
  registers,
});

export const leader = new Gauge({
  name: 'homerun_leader',
  help: '1 while this process holds the lease',
  labelNames: ['name'],
  registers,
});

export const kubeEvents = new Counter({
  name: 'homerun_kube_events_total',
  help: 'Kubernetes Events by result: created, counted, limited, failed',
  labelNames: ['result'],
  registers,
});

// ---- jobs: executions and their tasks ----

/** What the controller's cache holds of one execution. */
export interface ExecutionSeries {
  /** pending, running, succeeded, failed or cancelled. */
  state: string;
  /** Number of tasks by state; of an execution that goes on. */
  tasks: Readonly<Record<string, number>>;
}

let executionSource: () => Iterable<ExecutionSeries> = () => [];

/** Where the numbers of executions come from: the controller's cache, read when /metrics is asked. */
export function setExecutionSource(source: () => Iterable<ExecutionSeries>): void {
  executionSource = source;
}

export const executions = new Gauge({
  name: 'homerun_executions',
  help: 'Executions that exist, by state: pending, running, succeeded, failed, cancelled',
  labelNames: ['state'],
  registers,
  collect() {
    this.reset();
    for (const { state } of executionSource()) this.inc({ state });
  },
});

export const tasks = new Gauge({
  name: 'homerun_tasks',
  help: 'Tasks of executions that have not ended, by state: pending, running, succeeded, failed, retried',
  labelNames: ['state'],
  registers,
  collect() {
    this.reset();
    for (const series of executionSource()) {
      for (const [state, count] of Object.entries(series.tasks)) this.inc({ state }, count);
    }
  },
});

export const executionDuration = new Histogram({
  name: 'homerun_execution_duration_seconds',
  help: 'Time from start to end of an execution, by result: succeeded, failed, cancelled',
  labelNames: ['result'],
  buckets: [1, 5, 10, 30, 60, 300, 600, 1800, 3600, 10_800, 43_200, 86_400, 604_800],
  registers,
});

export const taskStart = new Histogram({
  name: 'homerun_task_start_seconds',
  help: 'Time from the creation of an attempt of a task until its container started; whole seconds',
  buckets: [1, 2, 3, 5, 10, 20, 30, 60, 120, 300, 600],
  registers,
});

export const taskDuration = new Histogram({
  name: 'homerun_task_duration_seconds',
  help: 'Time that the container of an attempt of a task ran, by result: succeeded, failed; whole seconds',
  labelNames: ['result'],
  buckets: [1, 5, 10, 30, 60, 300, 600, 1800, 3600, 10_800, 43_200, 86_400, 604_800],
  registers,
});

// ---- registry: digests of images ----

export const digestDuration = new Histogram({
  name: 'homerun_digest_duration_seconds',
  help: 'Time to ask a registry for a digest, with its pull secrets, by result: resolved or the code of the error',
  labelNames: ['result'],
  buckets: DURATIONS,
  registers,
});

// ---- autoscaler ----

export const desiredInstances = new Gauge({
  name: 'homerun_revision_desired_instances',
  help: 'Instances that the autoscaler wants; absent for a revision that has been at zero since the start',
  labelNames: ['namespace', 'revision'],
  registers,
});

export const actualInstances = new Gauge({
  name: 'homerun_revision_actual_instances',
  help: 'Instances that are ready; absent for a revision that has been at zero since the start',
  labelNames: ['namespace', 'revision'],
  registers,
});

export const scaleDecisions = new Counter({
  name: 'homerun_autoscaler_decisions_total',
  help: 'Changes of a number of instances by direction (up, down) and by what asked for it',
  labelNames: ['direction', 'reason'],
  registers,
});

export const gatewayScrapeFailures = new Counter({
  name: 'homerun_autoscaler_scrape_failures_total',
  help: 'Times that a gateway did not tell its request counts',
  registers,
});

export const autoscalerTick = new Histogram({
  name: 'homerun_autoscaler_tick_duration_seconds',
  help: 'Time to decide for all revisions, without the wait for the gateways and the writes',
  buckets: DURATIONS,
  registers,
});

// ---- instances ----

export const memoryExceeded = new Counter({
  name: 'homerun_memory_limit_exceeded_total',
  help: 'Ends that instances or their containers found for too much memory, by what took it: memory, files',
  labelNames: ['what'],
  registers,
});

// ---- webhook: admission ----

export const admissionDuration = new Histogram({
  name: 'homerun_admission_duration_seconds',
  help: 'Time from the arrival of an admission review to the end of its answer, by path: default, validate',
  labelNames: ['path'],
  buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1],
  registers,
});

export const admissionReviews = new Counter({
  name: 'homerun_admission_reviews_total',
  help: 'Admission reviews by path, kind and result: allowed, warned, refused, error',
  labelNames: ['path', 'kind', 'result'],
  registers,
});

export const certificateExpiry = new Gauge({
  name: 'homerun_webhook_certificate_expiry_timestamp_seconds',
  help: 'When the certificate that the webhook serves expires, in seconds since 1970',
  registers,
});

// ---- gateway: the request path ----

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
}

export const gatewayColdStart = new Histogram({
  name: 'homerun_gateway_instance_start_seconds',
  help: 'Time from the first sight of an instance until it passed its startup probe',
  buckets: [0.1, 0.25, 0.5, 1, 1.5, 2, 3, 5, 10, 20, 30, 60, 120, 240],
  registers,
});

/** Where the gateway's series per revision come from: its shared memory, read when /metrics is asked. */
export interface GatewaySource {
  /** Upper bounds of the latency buckets in seconds. */
  bounds: readonly number[];
  read(): RevisionSeries[];
}

let gatewaySource: GatewaySource = { bounds: [], read: () => [] };

/** So a request costs nothing here, and a revision that goes takes its series along. */
export function setGatewaySource(source: GatewaySource): void {
  gatewaySource = source;
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

/** A histogram whose buckets are counted elsewhere, which prom-client's own cannot take over. */
class LatencySeries {
  readonly name = 'homerun_gateway_request_duration_seconds';
  readonly help = 'Time from the arrival of a request to the end of its answer';
  readonly type = 'histogram';
  readonly aggregator = 'sum';
  get() {
    const { name, help, type, aggregator } = this;
    return {
      name,
      help,
      type,
      aggregator,
      values: gatewaySource.read().flatMap((series) => this.#values(series)),
    };
  }

  reset(): void {}

  #values({ namespace, revision, latency, latencySum }: RevisionSeries) {
    const labels = { namespace, revision };
    let count = 0;
    const buckets = latency.map((inBucket, i) => {
      count += inBucket;
      return {
        labels: { ...labels, le: gatewaySource.bounds[i] ?? '+Inf' },
        value: count,
        metricName: `${this.name}_bucket`,
      };
    });
    return [
      ...buckets,
      { labels, value: latencySum, metricName: `${this.name}_sum` },
      { labels, value: count, metricName: `${this.name}_count` },
    ];
  }
}

// ---- metadata server ----

export const metadataRequests = new Counter({
  name: 'homerun_metadata_requests_total',
  help: 'Requests of instances by what they ask for (root, directory, value, identity, token, unknown) and status',
  labelNames: ['path', 'code'],
  registers,
});

export const metadataTokenDuration = new Histogram({
  name: 'homerun_metadata_token_duration_seconds',
  help: 'Time to get a new token, by source (cluster, exchange) and result (ok, error); kept ones do not count',
  labelNames: ['source', 'result'],
  buckets: DURATIONS,
  registers,
});

// ---- the process ----

new Gauge({
  name: 'process_resident_memory_bytes',
  help: 'Resident memory of the process with all its threads',
  registers,
  collect() {
    this.set(process.memoryUsage.rss());
  },
});

new Counter({
  name: 'process_cpu_seconds_total',
  help: 'CPU time of the process with all its threads, user and system',
  registers,
  collect() {
    const { user, system } = process.cpuUsage();
    this.reset();
    this.inc((user + system) / 1e6);
  },
});

registry.registerMetric(new LatencySeries() as unknown as Histogram);
