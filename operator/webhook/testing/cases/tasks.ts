import type { AdmissionCases } from './case.ts';

const API = 'what the API answers';

/** Jobs and worker pools. */
export const TASKS: AdmissionCases = {
  'more tasks at once than there are': {
    job: { execution: '{parallelism: 5, taskCount: 1}' },
    outcome: 'accepted',
    source: API,
    reason: 'all run at once',
  },
  'a job of no tasks': {
    job: { execution: '{taskCount: 0}' },
    outcome: 'accepted',
    source: API,
    reason: 'from 0 to 10,000',
  },
  'two containers of a task without an order': {
    job: { more: '[{image: b}]' },
    outcome: 'accepted',
    source: API,
    reason: 'the first is the main container',
  },
  '256 MiB for a task': {
    job: { container: '{resources: {limits: {memory: 256Mi}}}' },
    outcome: 'strict',
    message: /limits\[memory\]: is 256Mi; it must be at least 512Mi in gen2/,
    source: 'Cloud Run, memory limits',
    reason: 'jobs run in gen2',
  },
  '256 MiB for a worker': {
    pool: { container: '{resources: {limits: {memory: 256Mi}}}' },
    outcome: 'strict',
    message: /limits\[memory\]: is 256Mi; it must be at least 512Mi in gen2/,
    source: 'Cloud Run, memory limits',
    reason: 'worker pools run in gen2',
  },
  'half a CPU for a worker': {
    pool: { container: '{resources: {limits: {cpu: 500m}}}' },
    outcome: 'strict',
    message: /limits\[cpu\]: is 500m; it must be at least 1 in gen2/,
    source: API,
    reason: 'worker pools run in gen2',
  },
  'four fifths of a CPU for two containers of a task': {
    job: {
      container: '{resources: {limits: {cpu: 400m}}}',
      more: '[{image: b, resources: {limits: {cpu: 400m}}}]',
    },
    outcome: 'strict',
    message: /containers: have limits of less than 1 of cpu in total; they must be at least 1 in gen2/,
    source: API,
    reason: 'jobs run in gen2, and the sum counts',
  },
  'a GPU of a task without a word on zones': {
    job: {
      container: '{resources: {limits: {cpu: 4, memory: 16Gi, nvidia.com/gpu: "1"}}}',
      task: '{timeoutSeconds: 60}',
    },
    outcome: 'warned',
    message: /gpu-zonal-redundancy-disabled\]: is not set; without it Cloud Run requires quota for GPUs/,
    source: API,
    reason: 'it may depend on the quota',
  },
  'a number of instances by hand without the mode, of a service': {
    service: { metadata: '{annotations: {run.googleapis.com/manualInstanceCount: "2"}}' },
    outcome: 'strict',
    message: /manualInstanceCount\]: has no effect without run\.googleapis\.com\/scalingMode: manual/,
    source: API,
    reason: 'the automatic mode ignores it',
  },
  'a number of instances by hand without the mode, of a worker pool': {
    pool: { metadata: '{annotations: {run.googleapis.com/manualInstanceCount: "2"}}' },
    outcome: 'warned',
    message: /manualInstanceCount\]: should be set together with run\.googleapis\.com\/scalingMode: manual/,
    source: 'the API answers so for services; a worker pool has no other mode',
    reason: 'here it counts without',
  },
};
