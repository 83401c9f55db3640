import { Counter, Gauge, Histogram } from '../prometheus.ts';
import { DURATIONS, registers } from './registry.ts';

// The controller runtime: queues, caches, requests to the API server.

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
  help: 'Objects held in a cache; several caches may hold objects of one kind',
  labelNames: ['kind', 'cache'],
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

export const leaseLosses = new Counter({
  name: 'homerun_lease_losses_total',
  help: 'Times that this process lost the lease that it held, with nobody having asked it to end',
  labelNames: ['name'],
  registers,
});

export const kubeEvents = new Counter({
  name: 'homerun_kube_events_total',
  help: 'Kubernetes Events by result: created, counted, limited, failed',
  labelNames: ['result'],
  registers,
});
