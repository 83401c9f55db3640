import assert from 'node:assert/strict';
import fc from 'fast-check';
import { cores } from '../../apis/quantity.ts';
import { BOOST_ANNOTATION, boostEnd } from '../../apis/serving/revision/boost.ts';
import { parseConfig } from '../../config.ts';
import type { Deployment, Pod } from '../../kube/core.ts';
import { EPOCH, revision } from '../../testing/serving.ts';
import { desiredDeployment } from '../revision/deployment.ts';
import { boostAnnotation, boostedCpu, planBoost } from './boost.ts';

const config = parseConfig({});
const READY_AT = new Date(EPOCH).toISOString();

describe('boostedCpu', () => {
  const steps = { '80m': '2', '1': '2', '1500m': '4', '2': '4', '4': '8', '6': '8', '8': '8', '16': '16' };
  it('is what Cloud Run gives beside each limit', () => {
    for (const [limit, boosted] of Object.entries(steps)) assert.equal(boostedCpu(limit), boosted, limit);
  });

  it('is never less than the limit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64_000 }), (millis) => {
        assert.ok(cores(boostedCpu(`${millis}m`)) >= millis / 1000);
      }),
    );
  });
});

/** The Deployment of a revision with these resources in its one container. */
function boosted(resources: object, boost = true): Deployment {
  const spec = { containers: [{ name: 'app', image: 'registry.example/app:1', resources }] };
  return desiredDeployment(revision('hello-1', { spec }), new Map(), config, { boost });
}

/** CPU and memory of its container: limit and request. */
function resourcesOf({ spec }: Deployment) {
  const { limits, requests } = spec?.template.spec?.containers[0]?.resources ?? {};
  return { cpu: [limits?.cpu, requests?.cpu], memory: [limits?.memory, requests?.memory] };
}

describe('a boosted instance', () => {
  it('is made with the higher limit and asks the scheduler for no more', () => {
    const made = boosted({ limits: { cpu: '1000m', memory: '256Mi' } });
    assert.deepEqual(resourcesOf(made), {
      cpu: ['2', '100m'],
      memory: ['256Mi', '64Mi'],
    });
    assert.deepEqual(made.spec?.template.metadata?.annotations, { [BOOST_ANNOTATION]: '{"app":"1"}' });
  });

  it('requests more only where its requests are its limits: a pod cannot change its class of service', () => {
    const same = { cpu: '2', memory: '1Gi' };
    assert.deepEqual(resourcesOf(boosted({ limits: same, requests: same })), {
      cpu: ['4', '4'],
      memory: ['1Gi', '1Gi'],
    });
  });

  it('is like any other when it has the most that there is', () => {
    const limits = { cpu: '8', memory: '4Gi' };
    assert.deepEqual(boosted({ limits }), boosted({ limits }, false));
  });
});

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
  it('tells load from what the start used', () => {
    assert.equal(boostEnd(podOf({}), EPOCH), EPOCH + 10_000);
    assert.equal(boostEnd(podOf({ annotation: '' }), EPOCH), EPOCH);
  });

  it('is written for containers that have less than the most', () => {
    assert.deepEqual(boostAnnotation([['big', '8']]), {});
  });
});
