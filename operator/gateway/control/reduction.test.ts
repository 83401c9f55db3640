import assert from 'node:assert/strict';
import fc from 'fast-check';
import { IDLE_CPU_ANNOTATION } from '../../apis/serving/revision/idleCpu.ts';
import type { Pod } from '../../kube/core.ts';
import { isResizing, reductionOf } from './reduction.ts';

interface Cpu {
  /** Of the container and of its sidecar: what is asked for, and what the kubelet reports. */
  asked?: [app?: string, side?: string];
  given?: [app?: string, side?: string];
  annotation?: string | undefined;
}

const requests = (cpu: string | undefined) => (cpu === undefined ? undefined : { requests: { cpu } });

function podOf({ asked = ['100m', '50m'], given = asked, annotation }: Cpu): Pod {
  const status = (name: string, cpu: string | undefined) => ({ name, resources: requests(cpu) });
  return {
    metadata: { annotations: annotation === undefined ? {} : { [IDLE_CPU_ANNOTATION]: annotation } },
    spec: {
      containers: [{ name: 'app', resources: requests(asked[0]) }, { name: 'bare' }],
      initContainers: [{ name: 'side', resources: requests(asked[1]) }],
    },
    status: {
      containerStatuses: [status('app', given[0]), status('bare', undefined)],
      initContainerStatuses: [status('side', given[1])],
    },
  } as unknown as Pod;
}

const set = (name: string, cpu: string) => ({ name, resources: { requests: { cpu } } });

describe('reductionOf', () => {
  const annotation = '{"app":"100m","side":"50m"}';
  const whole = { containers: [set('app', '100m')], initContainers: [set('side', '50m')] };
  const cases: Record<string, Cpu & { want: unknown; reason: string }> = {
    'never lowered': { want: undefined, reason: 'it has what it asks for' },
    restored: { annotation, want: undefined, reason: 'the annotation stays' },
    lowered: {
      annotation,
      asked: ['1m', '1m'],
      want: { resize: { spec: whole } },
      reason: 'both get what they had',
    },
    'lowered, and not by the kubelet yet': {
      annotation,
      asked: ['1m', '1m'],
      given: ['100m', '50m'],
      want: { resize: { spec: whole } },
      reason: 'it is about to be',
    },
    'lowered in part': {
      annotation,
      asked: ['1m', '50m'],
      want: { resize: { spec: { containers: [set('app', '100m')] } } },
      reason: 'only that part is missing',
    },
    'asked for': {
      annotation,
      given: ['1m', '1m'],
      want: {},
      reason: 'the kubelet has not done it yet',
    },
    'asked for, the sidecar given': {
      annotation,
      given: ['2m', '50m'],
      want: {},
      reason: 'the kubelet reports 1m as 2m while another request is asked for',
    },
    'given a little less': {
      annotation,
      given: ['98m', '49m'],
      want: undefined,
      reason: 'the kubelet computes it from the weight of the cgroup',
    },
    'a kubelet that reports no resources': {
      annotation,
      given: [undefined, undefined],
      want: undefined,
      reason: 'what is asked for is all that there is to go by',
    },
    'set by another client': {
      annotation,
      asked: ['70m', '50m'],
      want: undefined,
      reason: 'it is not as low as an idle one',
    },
    'a template with as little': {
      asked: ['1m', '1m'],
      want: undefined,
      reason: 'it has never been lowered',
    },
    'without a request': { annotation, asked: [], want: undefined, reason: 'nothing was lowered' },
    'a broken annotation': {
      annotation: '{app',
      asked: ['1m'],
      want: undefined,
      reason: 'anybody may write',
    },
    'no quantity': {
      annotation: '{"app":"lots"}',
      asked: ['1m'],
      want: undefined,
      reason: 'nor is that one',
    },
    'as little': {
      annotation: '{"app":"2m"}',
      asked: ['1m'],
      want: undefined,
      reason: 'it would be reduced for ever',
    },
    'no map': { annotation: '[1]', asked: ['1m'], want: undefined, reason: 'nor does that name a container' },
  };
  for (const [name, { want, reason, ...cpu }] of Object.entries(cases)) {
    it(name, () => assert.deepEqual(reductionOf(podOf(cpu)), want, reason));
  }

  it('bears whatever stands in the annotation', () => {
    const cpus = fc.oneof(
      fc.string(),
      fc.integer().map(String),
      fc.nat().map((n) => `${n}m`),
      fc.jsonValue(),
    );
    const named = cpus.map((cpu) => JSON.stringify({ app: cpu, side: cpu }));
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), named), (annotation) => {
        const lowered = reductionOf(podOf({ annotation, asked: ['1m', '1m'] }));
        const cpu = lowered?.resize?.spec.containers?.[0]?.resources.requests?.cpu;
        // Asking for what it offers must end the reduction, or a request would be held back again and again.
        const after = reductionOf(podOf({ annotation, asked: [cpu ?? '100m', cpu ?? '100m'] }));
        assert.equal(after, undefined);
      }),
    );
  });
});

describe('isResizing', () => {
  const condition = (type: string, status = 'True') => ({ conditions: [{ type, status }] });
  const cases: Record<string, { generation?: number; status?: object; want: boolean; reason: string }> = {
    'nothing observed': { generation: 3, status: {}, want: false, reason: 'an older kubelet does not say' },
    'an older generation': {
      generation: 3,
      status: { observedGeneration: 2 },
      want: true,
      reason: 'the kubelet has not seen the last change',
    },
    'this generation': { generation: 3, status: { observedGeneration: 3 }, want: false, reason: 'it has' },
    'no generation': {
      status: { observedGeneration: 1 },
      want: false,
      reason: 'there is nothing to observe',
    },
    'in progress': { status: condition('PodResizeInProgress'), want: true, reason: 'it says so' },
    deferred: { status: condition('PodResizePending'), want: true, reason: 'it says so' },
    'no longer in progress': {
      status: condition('PodResizeInProgress', 'False'),
      want: false,
      reason: 'it is over',
    },
    ready: { status: condition('Ready'), want: false, reason: 'that is something else' },
    'a new pod': { want: false, reason: 'no kubelet has it' },
  };
  for (const [name, { generation, status, want, reason }] of Object.entries(cases)) {
    it(name, () => assert.equal(isResizing({ metadata: { generation }, status } as Pod), want, reason));
  }
});
