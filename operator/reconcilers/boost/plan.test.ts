import assert from 'node:assert/strict';
import { BOOST_ANNOTATION, boostEnd } from '../../apis/serving/revision/boost.ts';
import type { Pod } from '../../kube/core.ts';
import { EPOCH } from '../../testing/serving.ts';
import { planBoost } from './plan.ts';

const READY_AT = new Date(EPOCH).toISOString();

interface PodOptions {
  annotation?: string;
  cpu?: string;
  requests?: object;
  ready?: boolean;
  deleted?: boolean;
}

function podOf({ annotation = '{"app":"1"}', cpu = '2', requests, ready = true, deleted }: PodOptions): Pod {
  const app = { name: 'app', resources: { limits: { cpu, memory: '256Mi' }, requests } };
  const conditions = [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: READY_AT }];
  return {
    metadata: {
      annotations: annotation ? { [BOOST_ANNOTATION]: annotation } : {},
      deletionTimestamp: deleted ? READY_AT : undefined,
    },
    spec: { containers: [app, { name: 'other' }] },
    status: { conditions },
  } as unknown as Pod;
}

describe('planBoost', () => {
  const lowered = {
    resize: { spec: { containers: [{ name: 'app', resources: { limits: { cpu: '1' } } }] } },
  };
  const cases: Record<string, PodOptions & { afterMs?: number; want: unknown; reason: string }> = {
    starting: { ready: false, want: undefined, reason: 'it is boosted until it has started' },
    'just started': { afterMs: 4000, want: { recheckMs: 6000 }, reason: 'the boost goes on for ten seconds' },
    started: { afterMs: 10_000, want: lowered, reason: 'ten seconds are over' },
    'late to look': { afterMs: 3_600_000, want: lowered, reason: 'a controller that was away catches up' },
    lowered: { cpu: '1', want: undefined, reason: 'there is nothing left to do' },
    'written otherwise': { cpu: '1000m', want: undefined, reason: '1000m is 1' },
    'resized by someone else': { cpu: '500m', want: undefined, reason: 'CPU is only ever taken back' },
    'guaranteed class': {
      requests: { cpu: '2', memory: '256Mi' },
      want: {
        resize: {
          spec: {
            containers: [{ name: 'app', resources: { limits: { cpu: '1' }, requests: { cpu: '1' } } }],
          },
        },
      },
      reason: 'requests must stay equal to limits',
    },
    terminating: { deleted: true, want: undefined, reason: 'it keeps its CPU for its last seconds' },
    'without boost': { annotation: '', want: undefined, reason: 'it is none of ours' },
    'no quantity': { annotation: '{"app":"lots"}', want: undefined, reason: 'nor is that a limit' },
    'broken annotation': { annotation: '{app', want: undefined, reason: 'anybody may write there' },
  };
  for (const [name, { afterMs = 10_000, want, reason, ...options }] of Object.entries(cases)) {
    it(name, () => assert.deepEqual(planBoost(podOf(options), EPOCH + afterMs), want, reason));
  }

  it('lowers containers that others wait for too', () => {
    const pod = podOf({ annotation: '{"app":"1","first":"1"}' });
    const first = { name: 'first', resources: { limits: { cpu: '2' } } };
    const plan = planBoost({ ...pod, spec: { ...pod.spec, initContainers: [first] } } as Pod, EPOCH + 20_000);
    const resize = plan && 'resize' in plan ? plan.resize : undefined;
    assert.deepEqual(resize?.spec.initContainers, [{ name: 'first', resources: { limits: { cpu: '1' } } }]);
  });
});

describe('boostEnd', () => {
  it('separates load from what the start used', () => {
    assert.equal(boostEnd(podOf({}), EPOCH), EPOCH + 10_000);
    assert.equal(boostEnd(podOf({ annotation: '' }), EPOCH), EPOCH);
  });
});
