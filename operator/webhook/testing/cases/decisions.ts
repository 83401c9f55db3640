import type { AdmissionCases } from './case.ts';

/** Where two sources disagree, the stricter rule is a warning in both modes. */
export const DECISIONS: AdmissionCases = {
  'a volume on disk': {
    service: { spec: '{volumes: [{name: v, emptyDir: {medium: Disk}}]}' },
    outcome: 'warned',
    message: /emptyDir\.medium: is "Disk"; it must be Memory or unset: .* the disk of the node/,
    source: 'API reference v1 knows Memory alone, v2 has DISK',
    reason: 'the node has a disk',
  },
  'a volume in neither': {
    service: { spec: '{volumes: [{name: v, emptyDir: {medium: HugePages}}]}' },
    outcome: 'rejected',
    message: /emptyDir\.medium: is "HugePages"; it must be Memory or unset/,
    source: 'API reference, v1 and v2',
    reason: 'neither knows it',
  },
  'the automatic mode of a worker pool': {
    pool: { metadata: '{annotations: {run.googleapis.com/scalingMode: automatic}}' },
    outcome: 'warned',
    message:
      /scalingMode\]: is "automatic"; it must be manual: run\.googleapis\.com\/manualInstanceCount sets the number/,
    source: 'the list of annotations has it, the help of gcloud takes a number alone',
    reason: 'a pool has no requests to follow, so it stays at its number',
  },
  'more time for a request than there is, of a worker pool': {
    pool: { spec: '{timeoutSeconds: 3601}' },
    outcome: 'rejected',
    message: /timeoutSeconds: is 3601; it must be a whole number from 0 to 3600/,
    source: 'API reference, RevisionSpec: timeoutSeconds',
    reason: 'that it has no effect is a warning, and hides no error: its revision could not be stored',
  },
  'another mode of a worker pool': {
    pool: { metadata: '{annotations: {run.googleapis.com/scalingMode: auto}}' },
    outcome: 'rejected',
    message: /scalingMode\]: is "auto"; it must be manual/,
    source: 'the list of annotations',
    reason: 'there is no such mode',
  },
  'a command of 101 words': {
    service: { container: `{command: [${Array(101).fill('a').join()}]}` },
    outcome: 'warned',
    message: /command: has 101 items; it may have at most 100/,
    source: 'the API counts arguments up to 1,000, and no document names a limit of the command',
    reason: 'a cluster runs it',
  },
  'a command of 1,001 words': {
    service: { container: `{command: [${Array(1001).fill('a').join()}]}` },
    outcome: 'rejected',
    message: /command: has 1001 items; it may have at most 1000/,
    source: 'Cloud Run, quotas',
    reason: 'arguments have the same limit',
  },
  'K_SERVICE in a service': {
    service: { container: '{env: [{name: K_SERVICE, value: a}]}' },
    outcome: 'rejected',
    message: /env\[0\]\.name: is "K_SERVICE", which the platform sets; remove it/,
    source: 'container contract, Environment variables',
    reason: 'the platform sets it',
  },
  'K_SERVICE in a job': {
    job: { container: '{env: [{name: K_SERVICE, value: a}]}' },
    outcome: 'warned',
    message: /env\[0\]\.name: is "K_SERVICE", which Cloud Run sets only in services/,
    source: 'the API reserves it, the container contract sets other variables in jobs',
    reason: 'a program may take the job for a service',
  },
  'K_SERVICE in a worker pool': {
    pool: { container: '{env: [{name: K_SERVICE, value: a}]}' },
    outcome: 'warned',
    message: /env\[0\]\.name: is "K_SERVICE", which Cloud Run sets only in services/,
    source: 'the API reserves it, the container contract sets other variables in worker pools',
    reason: 'a program may take the worker for a service',
  },
  'a port of a job': {
    job: { container: '{ports: [{containerPort: 8080}]}' },
    outcome: 'warned',
    message: /containers\[0\]\.ports: has port 8080; it must be empty: a task receives no requests/,
    source:
      'the container contract has none in jobs, the API stores one (Terraform, TestAccCloudRunV2Job_cloudrunv2JobFullUpdate)',
    reason: 'it receives no requests, and the port does no harm',
  },
  'a port of a worker pool': {
    pool: { container: '{ports: [{containerPort: 8080}]}' },
    outcome: 'warned',
    message: /containers\[0\]\.ports: has port 8080; it must be empty: a worker pool receives no requests/,
    source:
      'the container contract has none in worker pools, nor has Terraform; the API reference has the field in each container',
    reason: 'it receives no requests, and the port does no harm',
  },
};
