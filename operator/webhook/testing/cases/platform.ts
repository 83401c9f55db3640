import type { AdmissionCases } from './case.ts';

const API = 'what the API answers';
const FROM_MEMORY = 'rules of labels of Google Cloud, as they are remembered';
const L4 = '{nodeSelector: {run.googleapis.com/accelerator: nvidia-l4}}';
const RTX = '{nodeSelector: {run.googleapis.com/accelerator: nvidia-rtx-pro-6000}}';
const GPU = '{resources: {limits: {cpu: 4, memory: 16Gi, nvidia.com/gpu: "1"}}}';
const annotated = (annotations: string) => `{annotations: {${annotations}}}`;
const INTERFACE = 'run.googleapis.com/network-interfaces';

/** Sizes, GPUs, annotations for Google's own services, and labels. */
export const PLATFORM: AdmissionCases = {
  '20 CPU and 80Gi beside an RTX PRO 6000': {
    service: {
      spec: RTX,
      container: '{resources: {limits: {cpu: 20, memory: 80Gi, nvidia.com/gpu: "1"}}}',
    },
    outcome: 'accepted',
    source: API,
    reason: 'it has sizes of its own',
  },
  '8 CPU beside an RTX PRO 6000': {
    service: { spec: RTX, container: '{resources: {limits: {cpu: 8, memory: 32Gi, nvidia.com/gpu: "1"}}}' },
    outcome: 'strict',
    message: /limits\[cpu\]: is 8; with nvidia-rtx-pro-6000 it must be an even number from 20 to 30/,
    source: API,
    reason: 'it has sizes of its own',
  },
  '8Gi beside an L4': {
    service: { spec: L4, container: '{resources: {limits: {cpu: 4, memory: 8Gi, nvidia.com/gpu: "1"}}}' },
    outcome: 'strict',
    message: /limits\[nvidia\.com\/gpu\]: is 1; a GPU requires at least 4 CPU and 16Gi of memory/,
    source: API,
    reason: 'the least is 16Gi',
  },
  'a GPU whose CPU is throttled': {
    service: { template: annotated('run.googleapis.com/cpu-throttling: "true"'), container: GPU },
    outcome: 'strict',
    message: /cpu-throttling\]: is "true"; with a GPU it must be false/,
    source: API,
    reason: 'a GPU needs its CPU all the time',
  },
  'a GPU in the first generation environment': {
    service: { template: annotated('run.googleapis.com/execution-environment: gen1'), container: GPU },
    outcome: 'strict',
    message: /execution-environment\]: is "gen1"; with a GPU it must be gen2/,
    source: API,
    reason: 'it has no GPU',
  },
  'GPUs in two containers': {
    service: {
      container: GPU.replace('{', '{ports: [{containerPort: 80}], '),
      more: `[${GPU.replace('{', '{image: b, ')}]`,
    },
    outcome: 'strict',
    message: /containers: have a GPU in containers 0, 1; only one container may have a GPU/,
    source: API,
    reason: 'it belongs to one of them',
  },
  'a word on zones without a GPU': {
    service: { template: annotated('run.googleapis.com/gpu-zonal-redundancy-disabled: "true"') },
    outcome: 'strict',
    message: /gpu-zonal-redundancy-disabled\]: is set although no container has a GPU/,
    source: API,
    reason: 'it speaks of one',
  },
  '256 MiB in the second generation environment': {
    service: {
      template: annotated('run.googleapis.com/execution-environment: gen2'),
      container: '{resources: {limits: {memory: 256Mi}}}',
    },
    outcome: 'strict',
    message: /limits\[memory\]: is 256Mi; it must be at least 512Mi in gen2/,
    source: 'Cloud Run, memory limits',
    reason: 'the sandbox takes some of it',
  },
  '64 MiB': {
    service: { container: '{resources: {limits: {memory: 64Mi}}}' },
    outcome: 'strict',
    message: /limits\[memory\]: is 64Mi; it must be at least 128Mi/,
    source: 'Cloud Run, memory limits',
    reason: 'there is a least',
  },
  'an interface beside a connector': {
    service: {
      template: annotated(`${INTERFACE}: '[{"network":"n"}]', run.googleapis.com/vpc-access-connector: c`),
    },
    outcome: 'strict',
    message: /network-interfaces\]: must not be set together with run\.googleapis\.com\/vpc-access-connector/,
    source: API,
    reason: 'there is one way out',
  },
  'two interfaces': {
    service: { template: annotated(`${INTERFACE}: '[{"network":"n"},{"network":"m"}]'`) },
    outcome: 'strict',
    message: /network-interfaces\]: has 2 interfaces; it may have at most 1/,
    source: API,
    reason: 'there is one way out',
  },
  'an interface to nowhere': {
    service: { template: annotated(`${INTERFACE}: '[{}]'`) },
    outcome: 'strict',
    message: /network-interfaces\]: must name a network or a subnetwork in each interface/,
    source: API,
    reason: 'its target is unknown',
  },
  'a database by its name alone': {
    service: { template: annotated('run.googleapis.com/cloudsql-instances: bad') },
    outcome: 'strict',
    message: /cloudsql-instances\]: is "bad"; it must be PROJECT:REGION:INSTANCE/,
    source: API,
    reason: 'a name has three parts',
  },
  'a key by its name alone': {
    service: { template: annotated('run.googleapis.com/encryption-key: bad') },
    outcome: 'strict',
    message: /encryption-key\]: is "bad"; it must be projects\/PROJECT\/locations/,
    source: API,
    reason: 'a key is in a ring of a project',
  },
  'a shut-down without a key': {
    service: { template: annotated('run.googleapis.com/post-key-revocation-action-type: shut-down') },
    outcome: 'strict',
    message: /post-key-revocation-action-type\]: has no effect without run\.googleapis\.com\/encryption-key/,
    source: API,
    reason: 'there is nothing to revoke',
  },
  '65 labels': {
    service: {
      metadata: `{labels: {${Array.from({ length: 65 }, (_, i) => `l${i}: a`).join(', ')}}}`,
    },
    outcome: 'warned',
    message: /metadata\.labels: has 65 labels; Cloud Run allows at most 64/,
    source: FROM_MEMORY,
    reason: 'Kubernetes has no such limit',
  },
  'a label in capitals': {
    service: { metadata: '{labels: {a: Abc}}' },
    outcome: 'warned',
    message:
      /metadata\.labels\[a\]: is "Abc"; Cloud Run allows only lowercase letters, digits, dashes and underscores/,
    source: FROM_MEMORY,
    reason: 'Kubernetes takes it',
  },
  'a label that begins with goog-': {
    job: { metadata: '{labels: {goog-managed: a}}' },
    outcome: 'warned',
    message: /metadata\.labels\[goog-managed\]: begins with goog-, which Google Cloud keeps for itself/,
    source: FROM_MEMORY,
    reason: 'Kubernetes takes it',
  },
  'a label of a template in capitals': {
    pool: { template: '{labels: {a: Abc}}' },
    outcome: 'warned',
    message: /spec\.template\.metadata\.labels\[a\]: is "Abc"; Cloud Run allows only lowercase/,
    source: FROM_MEMORY,
    reason: 'those of revisions and executions are labels too',
  },
  'a label with a domain in capitals': {
    service: { metadata: '{labels: {app.kubernetes.io/managed-by: Helm}}' },
    outcome: 'accepted',
    source: FROM_MEMORY,
    reason: 'tools of Kubernetes set it, and users cannot change that',
  },
};
