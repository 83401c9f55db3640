import assert from 'node:assert/strict';
import { BOOST_ANNOTATION } from '../apis/serving/revision/boost.ts';
import { IDLE_CPU_ANNOTATION } from '../apis/serving/revision/idleCpu.ts';
import type { Deployment, Pod } from '../kube/core.ts';
import { EPOCH } from '../testing/serving.ts';
import { planIdleCpu, type UseInput, useOf } from './idleCpu.ts';
import { MINUTE, SECOND } from './testing/simulation.ts';

interface PodOptions {
  /** Requested CPU of the container, of its sidecar, and the limit of both. */
  cpu?: string;
  side?: string;
  limit?: string;
  /** As in the Deployment's template. */
  template?: string;
  qosClass?: string;
  readyMs?: number;
  annotations?: object;
  deletionTimestamp?: string;
}

const resources = (cpu: string | undefined, limit: string) => ({ limits: { cpu: limit }, requests: { cpu } });

function objects({ cpu = '100m', side = '50m', limit = '1', template = '100m', ...options }: PodOptions) {
  const { qosClass = 'Burstable', readyMs = MINUTE, annotations, deletionTimestamp } = options;
  const ready = new Date(EPOCH - readyMs).toISOString();
  const spec = (own: string, other: string, limit: string) => ({
    initContainers: [{ name: 'side', restartPolicy: 'Always', resources: resources(other, limit) }],
    containers: [{ name: 'app', resources: resources(own, limit) }, { name: 'bare' }],
  });
  const pod = {
    metadata: { annotations, deletionTimestamp },
    spec: spec(cpu, side, limit),
    status: { qosClass, conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: ready }] },
  };
  const deployment = { spec: { template: { spec: spec(template, '50m', '2') } } };
  return { pod: pod as unknown as Pod, deployment: deployment as unknown as Deployment };
}

const set = (cpu: string) => ({ resources: { requests: { cpu } } });
const both = (app: string, side: string) => ({
  resize: {
    spec: { containers: [{ name: 'app', ...set(app) }], initContainers: [{ name: 'side', ...set(side) }] },
  },
});
const app = (cpu: string) => ({ resize: { spec: { containers: [{ name: 'app', ...set(cpu) }] } } });
const told = (app: string, side = '50m') => ({ [IDLE_CPU_ANNOTATION]: JSON.stringify({ app, side }) });
const lowered = (app: string, side = '50m') => ({
  annotation: JSON.stringify({ app, side }),
  ...both('1m', '1m'),
});

describe('planIdleCpu', () => {
  const low = { cpu: '1m', side: '1m' };
  const boosted = { annotations: { [BOOST_ANNOTATION]: '{"app":"1"}' } };
  const cases: Record<string, PodOptions & { use: 'idle' | 'used'; want: unknown; reason: string }> = {
    idle: { use: 'idle', want: lowered('100m'), reason: 'sidecars have no more to do' },
    'idle again': {
      annotations: told('100m'),
      use: 'idle',
      want: both('1m', '1m'),
      reason: 'gateways know already what it gets back',
    },
    'idle and lowered': {
      ...low,
      annotations: told('100m'),
      use: 'idle',
      want: undefined,
      reason: 'nothing differs',
    },
    'lowered by an earlier release': {
      ...low,
      use: 'idle',
      want: { annotation: lowered('100m').annotation },
      reason: 'no gateway would restore it',
    },
    'template changed since': {
      ...low,
      annotations: told('200m'),
      use: 'idle',
      want: { annotation: lowered('100m').annotation },
      reason: 'it gets what the template says',
    },
    'lowered in part': {
      side: '1m',
      annotations: told('100m'),
      use: 'idle',
      want: app('1m'),
      reason: 'only the difference',
    },
    used: { use: 'used', want: undefined, reason: 'nothing differs' },
    'used and lowered': { ...low, use: 'used', want: both('100m', '50m'), reason: 'as in the template' },
    'written otherwise': {
      cpu: '0.1',
      side: '1m',
      annotations: told('100m'),
      use: 'idle',
      want: app('1m'),
      reason: '0.1 is 100m',
    },
    'resized by another client': {
      cpu: '70m',
      side: '70m',
      use: 'idle',
      want: undefined,
      reason: 'what it had could not be restored',
    },
    'template with as little': {
      ...low,
      template: '1m',
      use: 'used',
      want: { resize: { spec: { initContainers: [{ name: 'side', ...set('50m') }] } } },
      reason: 'that is what it is to have',
    },
    'idle with hardly more': {
      cpu: '2m',
      template: '2m',
      side: '1m',
      annotations: { [IDLE_CPU_ANNOTATION]: '{"side":"50m"}' },
      use: 'idle',
      want: undefined,
      reason: 'the kubelet reports 1m and 2m alike',
    },
    'limit lowered since': {
      ...low,
      template: '2',
      use: 'used',
      want: both('1', '50m'),
      reason: 'no request is above the limit',
    },
    guaranteed: { qosClass: 'Guaranteed', use: 'idle', want: undefined, reason: 'the class may not change' },
    'just started': { readyMs: 59 * SECOND, use: 'idle', want: undefined, reason: 'it still settles' },
    boosted: {
      ...boosted,
      readyMs: 2 * MINUTE,
      limit: '2',
      use: 'idle',
      want: undefined,
      reason: 'its limit is lowered first',
    },
    'boosted before': {
      ...boosted,
      readyMs: 2 * MINUTE,
      use: 'idle',
      want: lowered('100m'),
      reason: 'the boost is over',
    },
    terminating: {
      ...low,
      deletionTimestamp: '2026-01-01T00:00:00Z',
      use: 'used',
      want: undefined,
      reason: 'it ends',
    },
  };
  for (const [name, { use, want, reason, ...options }] of Object.entries(cases)) {
    it(name, () => {
      const { pod, deployment } = objects(options);
      assert.deepEqual(planIdleCpu(pod, deployment, use, EPOCH), want, reason);
    });
  }
});

describe('useOf', () => {
  const quiet: UseInput = {
    lowers: true,
    requestAt: undefined,
    lastActivityAt: EPOCH - MINUTE,
    complete: true,
  };
  const cases: Record<string, Partial<UseInput> & { want: string; reason: string }> = {
    'a minute without a request': { want: 'idle', reason: 'so much is needed' },
    'not yet a minute': { lastActivityAt: EPOCH - 59 * SECOND, want: 'unknown', reason: 'it stays as it is' },
    'a request now': { requestAt: EPOCH, want: 'used', reason: 'it needs its CPU' },
    'a request lately': { requestAt: EPOCH - 59 * SECOND, want: 'used', reason: 'a failed write is retried' },
    'a request long ago': { requestAt: EPOCH - MINUTE, want: 'idle', reason: 'it is over' },
    'a gateway is missing': { complete: false, want: 'unknown', reason: 'it may have a request' },
    'a request while one is missing': { complete: false, requestAt: EPOCH, want: 'used', reason: 'seen' },
    'switched off': { lowers: false, want: 'unknown', reason: 'nothing is lowered' },
    'switched off, with a request': { lowers: false, requestAt: EPOCH, want: 'used', reason: 'restored' },
  };
  for (const [name, { want, reason, ...seen }] of Object.entries(cases)) {
    it(name, () => assert.equal(useOf({ ...quiet, ...seen }, EPOCH), want, reason));
  }
});
