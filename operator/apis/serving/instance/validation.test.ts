import { SPEC, testErrors } from '../service/errorCases.ts';

const TEMPLATE = 'spec.template.metadata.annotations';
const GPU = '{cpu: 4, memory: 16Gi, nvidia.com/gpu: "1"}';
const env = (count: number) =>
  `[${Array.from({ length: count }, (_, i) => `{name: V${i}, value: v}`).join()}]`;

describe('containers of an instance together', () => {
  testErrors({
    'a thousand variables': {
      container: `{env: ${env(1000)}}`,
      reason: 'as many as all containers may have',
    },
    '600 variables twice': {
      container: `{ports: [{containerPort: 80}], env: ${env(600)}}`,
      more: `[{image: b, env: ${env(600)}}]`,
      errors: [
        [`${SPEC}.containers`, /have 1200 environment variables in total; they may have at most 1000/],
      ],
      strict: true,
      reason: 'the API counts over all containers',
    },
    '600 arguments twice': {
      container: `{ports: [{containerPort: 80}], args: [${Array(600).fill('a').join()}]}`,
      more: `[{image: b, args: [${Array(600).fill('a').join()}]}]`,
      errors: [[`${SPEC}.containers`, /have 1200 arguments in total; they may have at most 1000/]],
      strict: true,
      reason: 'the API counts over all containers',
    },
    '256 MiB in the second generation environment': {
      template: '{annotations: {run.googleapis.com/execution-environment: gen2}}',
      container: '{resources: {limits: {memory: 256Mi}}}',
      errors: [
        [`${SPEC}.containers[0].resources.limits[memory]`, /is 256Mi; it must be at least 512Mi in gen2/],
      ],
      strict: true,
      reason: 'Cloud Run, memory limits',
    },
    '256 MiB': {
      container: '{resources: {limits: {memory: 256Mi}}}',
      reason: 'Cloud Run takes the first generation environment for it',
    },
    'two times 256 MiB in the second generation environment': {
      template: '{annotations: {run.googleapis.com/execution-environment: gen2}}',
      container: '{ports: [{containerPort: 80}], resources: {limits: {memory: 256Mi}}}',
      more: '[{image: b, resources: {limits: {memory: 256Mi}}}]',
      reason: 'the memory of all containers counts',
    },
    'a GPU whose CPU is throttled, in the first generation environment': {
      template:
        '{annotations: {run.googleapis.com/cpu-throttling: "true", run.googleapis.com/execution-environment: gen1}}',
      container: `{resources: {limits: ${GPU}}}`,
      errors: [
        [`${TEMPLATE}[run.googleapis.com/cpu-throttling]`, /is "true"; with a GPU it must be false/],
        [`${TEMPLATE}[run.googleapis.com/execution-environment]`, /is "gen1"; with a GPU it must be gen2/],
      ],
      strict: true,
      reason: 'the API rejects both',
    },
    'GPUs in two containers': {
      container: `{ports: [{containerPort: 80}], resources: {limits: ${GPU}}}`,
      more: `[{image: b, resources: {limits: ${GPU}}}]`,
      errors: [[`${SPEC}.containers`, /have a GPU in containers 0, 1; only one container may have a GPU/]],
      strict: true,
      reason: 'the API rejects it',
    },
    'a word on zones without a GPU': {
      template: '{annotations: {run.googleapis.com/gpu-zonal-redundancy-disabled: "true"}}',
      errors: [
        [
          `${TEMPLATE}[run.googleapis.com/gpu-zonal-redundancy-disabled]`,
          /is set although no container has a GPU/,
        ],
      ],
      strict: true,
      reason: 'the API rejects it',
    },
  });
});
