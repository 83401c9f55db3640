import assert from 'node:assert/strict';
import type { ScalingSpec } from '../apis/serving/revision/scaling.ts';
import { decide, initialState, type Load, type ScaleState } from './decide.ts';
import { explain, type Rule, ruleOf } from './explain.ts';
import { loadWith, MINUTE, SECOND, specWith } from './testing/simulation.ts';

const NOW = 1_700_000_000_000;

interface Case {
  load: Partial<Load>;
  spec?: Partial<ScalingSpec>;
  state?: ScaleState;
  rule: Rule;
  text: string;
}

const unused = (replicas: number): ScaleState => ({ replicas, lastActivityAt: NOW - 60 * MINUTE, needs: [] });
const ten = { concurrency: 10, targetConcurrency: 7 };

describe('explain', () => {
  const cases: Record<string, Case> = {
    'mean of the requests': {
      load: { replicas: 2, present: 19, concurrency: 21, cpu: { cores: 0.24, unmeasured: 0 } },
      spec: ten,
      rule: 'concurrency',
      text: '3 instances by concurrency: 21 requests in flight / 7 wanted each, CPU 12 %, min 0, max 100',
    },
    'the same, nothing to change': {
      load: { replicas: 3, present: 19, concurrency: 21, cpu: { cores: 0.36, unmeasured: 0 } },
      spec: ten,
      rule: 'concurrency',
      text: '3 instances by concurrency: 21 requests in flight / 7 wanted each, CPU 12 %, min 0, max 100',
    },
    burst: {
      load: { replicas: 1, present: 200, concurrency: 4.04 },
      spec: ten,
      rule: 'burst',
      text: '20 instances by burst: 200 requests in flight and queued / 10 at most each, min 0, max 100',
    },
    CPU: {
      load: { replicas: 2, present: 1, concurrency: 1, cpu: { cores: 1.9, unmeasured: 0 } },
      rule: 'cpu',
      text: '4 instances by CPU: 1 request in flight / 48 wanted each, CPU 95 %, min 0, max 100',
    },
    'CPU, where requests do not count': {
      load: { replicas: 2, present: 9, concurrency: 9, cpu: { cores: 1.9, unmeasured: 0 } },
      spec: { targetConcurrency: Number.POSITIVE_INFINITY },
      rule: 'cpu',
      text: '4 instances by CPU: 9 requests in flight, CPU 95 %, min 0, max 100',
    },
    minimum: {
      load: { replicas: 0, ready: 0, concurrency: 0 },
      spec: { min: 2 },
      state: unused(0),
      rule: 'min',
      text: '2 instances by minimum: 0 requests in flight / 48 wanted each, min 2, max 100',
    },
    'minimum, as many as the requests ask for': {
      load: { replicas: 1, present: 1, concurrency: 0.44 },
      spec: { min: 1 },
      rule: 'min',
      text: '1 instance by minimum: 0.4 requests in flight / 48 wanted each, min 1, max 100',
    },
    maximum: {
      load: { replicas: 4, present: 9000, concurrency: 9000 },
      spec: { max: 4 },
      rule: 'max',
      text: '4 instances by maximum (188 asked for): 9000 requests in flight / 48 wanted each, min 0, max 4',
    },
    'a maximum that was lowered': {
      load: { replicas: 9, present: 1, concurrency: 1 },
      spec: { max: 4 },
      rule: 'max',
      text: '4 instances by maximum: 1 request in flight / 48 wanted each, min 0, max 4',
    },
    'first start': {
      load: { replicas: 1, ready: 0, concurrency: 0 },
      spec: { pending: true },
      rule: 'starting',
      text: '1 instance by initial scale: 0 requests in flight / 48 wanted each, min 0, max 100',
    },
    'an activation scale': {
      load: { replicas: 1, ready: 0, present: 1, concurrency: 0 },
      spec: { activation: 5 },
      state: unused(0),
      rule: 'activation',
      text: '5 instances by activation scale: 0 requests in flight / 48 wanted each, min 0, max 100',
    },
    'spare, but needed a while ago': {
      load: { replicas: 3, present: 1, concurrency: 1 },
      rule: 'kept',
      text: '3 instances by need within 15 min: 1 request in flight / 48 wanted each, min 0, max 100',
    },
    'a short idle time': {
      load: { replicas: 3, present: 1, concurrency: 1 },
      spec: { idleMs: 90 * SECOND },
      rule: 'kept',
      text: '3 instances by need within 90 s: 1 request in flight / 48 wanted each, min 0, max 100',
    },
    'a silent gateway': {
      load: {
        replicas: 3,
        concurrency: undefined,
        complete: false,
        cpu: { cores: undefined, unmeasured: 0 },
      },
      state: unused(3),
      rule: 'incomplete',
      text: '3 instances by missing measurements: requests unknown, CPU unknown, min 0, max 100',
    },
    'a controller that has just started': {
      load: { replicas: 3, present: 1, concurrency: 120, assumed: true, cpu: { cores: 0.01, unmeasured: 0 } },
      rule: 'concurrency',
      text: '3 instances by concurrency: requests unknown, CPU unknown, min 0, max 100',
    },
    idle: {
      load: { replicas: 1, concurrency: 0 },
      state: unused(1),
      rule: 'idle',
      text: '0 instances by idle time: 0 requests in flight / 48 wanted each, min 0, max 100',
    },
    'manual mode': {
      load: { replicas: 3, present: 9, concurrency: 9, cpu: { cores: 0.03, unmeasured: 0 } },
      spec: { manual: 3 },
      rule: 'manual',
      text: '3 instances by manual number: 9 requests in flight / 48 wanted each, CPU 1 %',
    },
    'failed start': {
      load: { replicas: 1, ready: 0, concurrency: 0 },
      spec: { failed: true },
      rule: 'failed',
      text: '0 instances by failed start: 0 requests in flight / 48 wanted each, min 0, max 100',
    },
  };

  for (const [name, { load, spec, state, rule, text }] of Object.entries(cases)) {
    it(name, () => {
      const seen = loadWith(load);
      const scaling = specWith(spec);
      const decision = decide(seen, scaling, state ?? initialState(seen.replicas, NOW), NOW);
      assert.equal(ruleOf(decision, scaling), rule);
      assert.equal(explain(decision, scaling), text);
    });
  }
});
