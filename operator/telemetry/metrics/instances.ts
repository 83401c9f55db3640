import { Counter, Gauge, Histogram } from '../prometheus.ts';
import { DURATIONS, registers } from './registry.ts';

// Instances of services: their images, their number, and what they took too much of.

export const digestDuration = new Histogram({
  name: 'homerun_digest_duration_seconds',
  help: 'Time to ask a registry for a digest, with its pull secrets, by result: resolved or the code of the error',
  labelNames: ['result'],
  buckets: DURATIONS,
  registers,
});

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
  help: 'Times that a gateway did not report its request counts',
  registers,
});

export const revisionFailures = new Counter({
  name: 'homerun_autoscaler_revision_failures_total',
  help: 'Times that a revision could not be scaled because of an error; each is a defect, and is logged with its stack',
  registers,
});

export const autoscalerTick = new Histogram({
  name: 'homerun_autoscaler_tick_duration_seconds',
  help: 'Time to decide for all revisions, without the wait for the gateways and the writes',
  buckets: DURATIONS,
  registers,
});

export const memoryExceeded = new Counter({
  name: 'homerun_memory_limit_exceeded_total',
  help: 'Ends that instances or their containers found for too much memory, by what took it: memory, files',
  labelNames: ['what'],
  registers,
});
