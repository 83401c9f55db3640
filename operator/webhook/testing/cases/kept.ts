import type { AdmissionCases } from './case.ts';

const LIMITS = 'Cloud Run, CPU and memory limits';
const CONTRACT = 'container contract';
const GCLOUD = 'gcloud, help and checks';
const GPU = '{resources: {limits: {cpu: 4, memory: 16Gi, nvidia.com/gpu: "1"}}}';
const ZONES = '{annotations: {run.googleapis.com/gpu-zonal-redundancy-disabled: "true"}}';
const containers = (count: number) => JSON.stringify(Array.from({ length: count }, () => ({ image: 'b' })));

/** Rules that have been right from the start. */
export const KEPT: AdmissionCases = {
  '4 CPU and 2Gi': {
    service: { container: '{resources: {limits: {cpu: 4, memory: 2Gi}}}' },
    outcome: 'accepted',
    source: LIMITS,
    reason: 'the least memory for 4 CPU',
  },
  '4 CPU and 1Gi': {
    service: { container: '{resources: {limits: {cpu: 4, memory: 1Gi}}}' },
    outcome: 'strict',
    message: /limits\[memory\]: is 1Gi; with 4 CPU it must be at least 2Gi and at most 16Gi/,
    source: LIMITS,
    reason: 'memory is tied to CPU',
  },
  '3 CPU': {
    service: { container: '{resources: {limits: {cpu: 3}}}' },
    outcome: 'strict',
    message: /limits\[cpu\]: is 3; it must be 1, 2, 4, 6, 8 or less than 1/,
    source: LIMITS,
    reason: 'there are steps',
  },
  'an hour for a request': {
    service: { spec: '{timeoutSeconds: 3600}' },
    outcome: 'accepted',
    source: 'Cloud Run, request timeout',
    reason: 'the longest',
  },
  'an hour and a second for a request': {
    service: { spec: '{timeoutSeconds: 3601}' },
    outcome: 'rejected',
    message: /timeoutSeconds: is 3601; it must be a whole number from 0 to 3600/,
    source: 'Cloud Run, request timeout',
    reason: 'one second too many',
  },
  '168 hours for a task': {
    job: { task: '{timeoutSeconds: 604800}' },
    outcome: 'accepted',
    source: 'Cloud Run jobs, task timeout',
    reason: 'the longest',
  },
  'a second more for a task': {
    job: { task: '{timeoutSeconds: 604801}' },
    outcome: 'rejected',
    message: /timeoutSeconds: is 604801; it must be a whole number of seconds from 1 to 604800, 168 hours/,
    source: 'Cloud Run jobs, task timeout',
    reason: 'one second too many',
  },
  'an hour for a task with a GPU': {
    job: { template: ZONES, task: '{timeoutSeconds: 3600}', container: GPU },
    outcome: 'accepted',
    source: 'Cloud Run jobs, GPU support',
    reason: 'the longest',
  },
  'a second more for a task with a GPU': {
    job: { template: ZONES, task: '{timeoutSeconds: 3601}', container: GPU },
    outcome: 'rejected',
    message: /timeoutSeconds: is 3601; .* from 1 to 3600, one hour, with a GPU/,
    source: 'Cloud Run jobs, GPU support',
    reason: 'one second too many',
  },
  'eleven retries': {
    job: { task: '{maxRetries: 11}' },
    outcome: 'rejected',
    message: /maxRetries: is 11; it must be a whole number from 0 to 10/,
    source: 'Cloud Run jobs, --max-retries',
    reason: 'one too many',
  },
  'ten containers': {
    service: { container: '{ports: [{containerPort: 80}]}', more: containers(9) },
    outcome: 'accepted',
    source: GCLOUD,
    reason: 'as many as there may be',
  },
  'eleven containers': {
    service: { container: '{ports: [{containerPort: 80}]}', more: containers(10) },
    outcome: 'strict',
    message: /containers: has 11 containers; it may have at most 10/,
    source: GCLOUD,
    reason: 'one too many',
  },
  'a name of 49 characters': {
    service: { metadata: `{name: ${'a'.repeat(49)}}` },
    outcome: 'accepted',
    source: 'Cloud Run, names of services',
    reason: 'the longest',
  },
  'a name of 50 characters': {
    service: { metadata: `{name: ${'a'.repeat(50)}}` },
    outcome: 'strict',
    message: /metadata\.name: is "a+" \(50 characters\); it must have 1 to 49 characters/,
    source: 'Cloud Run, names of services',
    reason: 'one too many',
  },
  'a name of 64 characters': {
    service: { metadata: `{name: ${'a'.repeat(64)}}` },
    outcome: 'rejected',
    message: /metadata\.name: is "a+" \(64 characters\); it must have 1 to 63 characters/,
    source: 'Kubernetes, names',
    reason: 'no host name has such a label',
  },
  'a port for HTTP/2': {
    service: { container: '{ports: [{name: h2c, containerPort: 80}]}' },
    outcome: 'accepted',
    source: `${CONTRACT}, Transport`,
    reason: 'one of the two names',
  },
  'a port called web': {
    service: { container: '{ports: [{name: web, containerPort: 80}]}' },
    outcome: 'rejected',
    message: /ports\[0\]\.name: is "web"; it must be one of http1, h2c/,
    source: 'API reference, ContainerPort: name',
    reason: 'there are two names',
  },
  'traffic that sums to 99': {
    service: { traffic: '[{latestRevision: true, percent: 99}]' },
    outcome: 'rejected',
    message: /spec\.traffic: has percents that sum to 99; they must sum to 100/,
    source: 'API reference, TrafficTarget',
    reason: 'the remaining share is unassigned',
  },
  'more instances at least than at most': {
    service: {
      template:
        '{annotations: {autoscaling.knative.dev/minScale: "5", autoscaling.knative.dev/maxScale: "2"}}',
    },
    outcome: 'rejected',
    message: /maxScale\]: is 2; it must be at least autoscaling\.knative\.dev\/minScale, 5/,
    source: GCLOUD,
    reason: 'they contradict each other',
  },
  'a liveness probe every hour': {
    service: { container: '{livenessProbe: {httpGet: {}, periodSeconds: 3600}}' },
    outcome: 'accepted',
    source: 'API reference, Probe',
    reason: 'the longest',
  },
  'a startup probe every five minutes': {
    service: { container: '{startupProbe: {httpGet: {}, periodSeconds: 300}}' },
    outcome: 'strict',
    message: /startupProbe\.periodSeconds: is 300; it must be a whole number from 0 to 240/,
    source: 'API reference, Probe',
    reason: 'a container has four minutes',
  },
  'a startup probe after five minutes': {
    service: { container: '{startupProbe: {httpGet: {}, initialDelaySeconds: 300}}' },
    outcome: 'strict',
    message: /startupProbe\.initialDelaySeconds: is 300; it must be a whole number from 0 to 240/,
    source: 'API reference, Probe',
    reason: 'a container has four minutes',
  },
  'containers that wait for each other': {
    service: {
      template: `{annotations: {run.googleapis.com/container-dependencies: '{"a":["b"],"b":["a"]}'}}`,
      container: '{name: a, ports: [{containerPort: 1}]}',
      more: '[{image: b, name: b, startupProbe: {tcpSocket: {port: 2}}}]',
    },
    outcome: 'rejected',
    message: /container-dependencies\]: has a cycle: a -> b -> a/,
    source: 'public reports',
    reason: 'neither would ever start',
  },
  'a wait for a container that is not there': {
    service: {
      template: `{annotations: {run.googleapis.com/container-dependencies: '{"a":["c"]}'}}`,
      container: '{name: a}',
    },
    outcome: 'rejected',
    message: /container-dependencies\]: names "c"; there is no such container/,
    source: 'public reports',
    reason: 'a typing mistake, most likely',
  },
  'two containers of one name': {
    service: { container: '{name: a, ports: [{containerPort: 1}]}', more: '[{image: b, name: a}]' },
    outcome: 'rejected',
    message: /containers\[1\]\.name: is "a", the name of another container/,
    source: 'API reference, Container: name',
    reason: 'names identify containers',
  },
  'a volume that is not mounted': {
    service: { spec: '{volumes: [{name: v, emptyDir: {}}]}' },
    outcome: 'accepted',
    source: 'what the API answers',
    reason: 'it does no harm',
  },
  'PORT in a sidecar': {
    service: {
      container: '{ports: [{containerPort: 8080}]}',
      more: '[{image: b, env: [{name: PORT, value: "1"}]}]',
    },
    outcome: 'accepted',
    source: `${CONTRACT}, Environment variables`,
    reason: 'it is set in the ingress container alone',
  },
  'a worker pool that says nothing of splits': {
    pool: {},
    outcome: 'accepted',
    source: 'API reference, InstanceSplit',
    reason: 'all instances are of the latest revision',
  },
  'splits that sum to 50': {
    pool: { traffic: '[{latestRevision: true, percent: 50}]' },
    outcome: 'rejected',
    message: /spec\.instanceSplits: has percents that sum to 50; they must sum to 100/,
    source: 'API reference, InstanceSplit',
    reason: 'the remaining share is unassigned',
  },
  'a container that waits for itself, through others, in a job': {
    job: {
      template: `{annotations: {run.googleapis.com/container-dependencies: '{"a":["b"],"b":["a"]}'}}`,
      container: '{name: a}',
      more: '[{image: b, name: b}]',
    },
    outcome: 'rejected',
    message: /container-dependencies\]: has a cycle: a -> b -> a/,
    source: 'public reports',
    reason: 'neither would ever start',
  },
  'a volume twice': {
    service: { spec: '{volumes: [{name: v, emptyDir: {}}, {name: v, emptyDir: {}}]}' },
    outcome: 'rejected',
    message: /volumes\[1\]\.name: is "v", the name of another volume; names must be unique/,
    source: 'API reference, Volume: name',
    reason: 'names identify volumes',
  },
};
