import { CONTAINER, SPEC, testErrors } from '../service/errorCases.ts';

const TEMPLATE = 'spec.template.metadata.annotations';

describe('resources of a container', () => {
  testErrors({
    'a twentieth of a CPU': {
      container: '{resources: {limits: {cpu: 50m}}}',
      errors: [[`${CONTAINER}.resources.limits[cpu]`, /is 50m; it must be at least 80m/]],
      strict: true,
      reason: 'Cloud Run has a least',
    },
    'much memory for little CPU': {
      container: '{resources: {limits: {cpu: 400m, memory: 1Gi}}}',
      errors: [[`${CONTAINER}.resources.limits[memory]`, /is 1Gi; with 400m CPU it must be at most 512Mi/]],
      strict: true,
      reason: 'Cloud Run ties memory to CPU',
    },
    'a fraction of a CPU in the second generation environment, all the time': {
      template:
        '{annotations: {run.googleapis.com/cpu-throttling: "false", run.googleapis.com/execution-environment: gen2}}',
      container: '{resources: {limits: {cpu: 500m}}}',
      errors: [
        [
          `${TEMPLATE}[run.googleapis.com/cpu-throttling]`,
          /is "false"; with less than one CPU it must be true/,
        ],
        [`${TEMPLATE}[run.googleapis.com/execution-environment]`, /is "gen2"; .* it must be gen1/],
      ],
      strict: true,
      reason: 'Cloud Run has fractions in the first one alone, and while requests are answered',
    },
    'a fraction of a CPU in the first generation environment': {
      template: '{annotations: {run.googleapis.com/execution-environment: gen1}}',
      container: '{resources: {limits: {cpu: 500m}}}',
      reason: 'Cloud Run has it',
    },
    'two GPUs': {
      container: '{resources: {limits: {cpu: 8, memory: 32Gi, nvidia.com/gpu: 2}}}',
      errors: [[`${CONTAINER}.resources.limits[nvidia.com/gpu]`, /is 2; it must be 0 or 1/]],
      strict: true,
      reason: 'gcloud says so',
    },
    'ephemeral storage': {
      container: '{resources: {limits: {ephemeral-storage: 1Gi}}}',
      errors: [
        [
          `${CONTAINER}.resources.limits[ephemeral-storage]`,
          /is not known to Cloud Run; it must be cpu, memory/,
        ],
      ],
      strict: true,
      reason: "Knative's own",
    },
    'a GPU type without a GPU': {
      spec: '{nodeSelector: {run.googleapis.com/accelerator: nvidia-l4}}',
      errors: [
        [`${SPEC}.nodeSelector[run.googleapis.com/accelerator]`, /requests a GPU that no container uses/],
      ],
      strict: true,
      reason: 'half of a feature',
    },
    'a node selector of Kubernetes': {
      spec: '{nodeSelector: {disk: ssd}}',
      errors: [[`${SPEC}.nodeSelector[disk]`, /is not known to Cloud Run/]],
      strict: true,
      reason: "Knative's own",
    },
    'a node selector that is no label': {
      spec: '{nodeSelector: {disk: "s s d"}}',
      errors: [[`${SPEC}.nodeSelector[disk]`, /is "s s d"; a label value must be empty or have/]],
      reason: 'no node has it, and no cluster takes such a pod',
    },
    'labels and annotations of a revision that no cluster takes': {
      template: '{labels: {since: "12:00"}, annotations: {"a b": c}}',
      errors: [
        ['spec.template.metadata.labels[since]', /is "12:00"; a label value/],
        ['spec.template.metadata.annotations[a b]', /is not a valid key/],
      ],
      reason: 'the revision could never be made',
    },
    'a runtime class of the cluster': {
      spec: '{runtimeClassName: gvisor}',
      errors: [[`${SPEC}.runtimeClassName`, /is "gvisor"; Cloud Run supports only/]],
      strict: true,
      reason: "Knative's own",
    },
    'half a CPU and a sidecar with one, for 80 requests at once': {
      spec: '{containerConcurrency: 80}',
      container: '{ports: [{containerPort: 80}], resources: {limits: {cpu: 500m}}}',
      more: '[{image: b, name: side, resources: {limits: {cpu: "1"}}}]',
      reason: 'the CPU of all containers counts',
    },
    '4 CPU and 2Gi': {
      container: '{resources: {limits: {cpu: 4, memory: 2Gi}}}',
      reason: 'the least memory for 4 CPU',
    },
    '4 CPU and 1Gi': {
      container: '{resources: {limits: {cpu: 4, memory: 1Gi}}}',
      errors: [
        [
          `${CONTAINER}.resources.limits[memory]`,
          /is 1Gi; with 4 CPU it must be at least 2Gi and at most 16Gi/,
        ],
      ],
      strict: true,
      reason: 'Cloud Run ties memory to CPU',
    },
    '1 CPU and 8Gi': {
      container: '{resources: {limits: {cpu: "1", memory: 8Gi}}}',
      errors: [[`${CONTAINER}.resources.limits[memory]`, /is 8Gi; with 1 CPU it must be at most 4Gi/]],
      strict: true,
      reason: 'Cloud Run ties memory to CPU',
    },
    '3 CPU': {
      container: '{resources: {limits: {cpu: 3000m}}}',
      errors: [[`${CONTAINER}.resources.limits[cpu]`, /is 3000m; it must be 1, 2, 4, 6, 8 or less than 1/]],
      strict: true,
      reason: 'Cloud Run has steps',
    },
    'half a CPU for ten requests at once': {
      spec: '{containerConcurrency: 10}',
      container: '{resources: {limits: {cpu: 500m}}}',
      errors: [[`${SPEC}.containerConcurrency`, /is 10; with less than one CPU it must be 1/]],
      strict: true,
      reason: 'Cloud Run ties concurrency to CPU',
    },
    'a GPU without enough beside it': {
      container: '{resources: {limits: {cpu: 2, memory: 4Gi, nvidia.com/gpu: "1"}}}',
      errors: [
        [`${CONTAINER}.resources.limits[nvidia.com/gpu]`, /is 1; a GPU requires at least 4 CPU and 16Gi/],
      ],
      strict: true,
      reason: 'the API says so',
    },
    'an L4 with half the memory': {
      spec: '{nodeSelector: {run.googleapis.com/accelerator: nvidia-l4}}',
      container: '{resources: {limits: {cpu: 4, memory: 8Gi, nvidia.com/gpu: "1"}}}',
      errors: [
        [`${CONTAINER}.resources.limits[nvidia.com/gpu]`, /is 1; a GPU requires at least 4 CPU and 16Gi/],
      ],
      strict: true,
      reason: 'the API says so',
    },
    'an RTX PRO 6000 with its least': {
      spec: '{nodeSelector: {run.googleapis.com/accelerator: nvidia-rtx-pro-6000}}',
      container: '{resources: {limits: {cpu: 20, memory: 80Gi, nvidia.com/gpu: "1"}}}',
      reason: 'it has sizes of its own',
    },
    'an RTX PRO 6000 with the CPU of an L4': {
      spec: '{nodeSelector: {run.googleapis.com/accelerator: nvidia-rtx-pro-6000}}',
      container: '{resources: {limits: {cpu: 8, memory: 32Gi, nvidia.com/gpu: "1"}}}',
      errors: [
        [
          `${CONTAINER}.resources.limits[cpu]`,
          /is 8; with nvidia-rtx-pro-6000 it must be an even number from 20 to 30/,
        ],
      ],
      strict: true,
      reason: 'the API says so',
    },
    'an RTX PRO 6000 with too much memory': {
      spec: '{nodeSelector: {run.googleapis.com/accelerator: nvidia-rtx-pro-6000}}',
      container: '{resources: {limits: {cpu: 22, memory: 90Gi, nvidia.com/gpu: "1"}}}',
      errors: [[`${CONTAINER}.resources.limits[memory]`, /is 90Gi; .* it must be from 80Gi to 88Gi/]],
      strict: true,
      reason: 'four GiB for each CPU',
    },
    '64 MiB': {
      container: '{resources: {limits: {memory: 64Mi}}}',
      errors: [[`${CONTAINER}.resources.limits[memory]`, /is 64Mi; it must be at least 128Mi/]],
      strict: true,
      reason: 'Cloud Run, memory limits',
    },
    'a GPU with enough beside it': {
      spec: '{nodeSelector: {run.googleapis.com/accelerator: nvidia-l4}}',
      container: '{resources: {limits: {cpu: 8, memory: 32Gi, nvidia.com/gpu: "1"}}}',
      reason: 'as real manifests have it',
    },
    'a memory limit that is no quantity': {
      container: '{resources: {limits: {memory: lots}}}',
      errors: [[`${CONTAINER}.resources.limits[memory]`, /is "lots"; it must be a quantity/]],
      reason: 'the amount is unknown',
    },
    'a request above the limit': {
      container: '{resources: {limits: {memory: 1Gi}, requests: {memory: 2Gi}}}',
      errors: [[`${CONTAINER}.resources.requests[memory]`, /is 2Gi; it must be at most the limit, 1Gi/]],
      reason: 'no cluster runs such a pod',
    },
  });
});
