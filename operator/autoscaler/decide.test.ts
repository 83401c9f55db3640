import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { ScalingSpec } from '../apis/serving/revision/scaling.ts';
import { decide, initialState, type Load, type Reason, type ScaleState } from './decide.ts';
import { loadWith, MINUTE, SECOND, specWith } from './testing/simulation.ts';

const NOW = 1_700_000_000_000;
const LONG_AGO = NOW - 60 * MINUTE;

/** A state in which nothing has been needed for an hour. */
const unused = (replicas: number): ScaleState => ({ replicas, lastActivityAt: LONG_AGO, needs: [] });
/** A state with requests right now, in which one instance has been enough for an hour. */
const spare = (replicas: number): ScaleState => ({
  replicas,
  lastActivityAt: NOW - SECOND,
  needs: [{ count: 1, at: NOW - SECOND }],
});

interface Case {
  load: Partial<Load>;
  spec?: Partial<ScalingSpec>;
  state?: ScaleState;
  replicas: number | undefined;
  why: Reason;
  reason: string;
}

describe('decide', () => {
  const cases: Record<string, Case> = {
    'mean concurrency': {
      load: { replicas: 2, concurrency: 200, present: 200 },
      replicas: 5,
      why: 'concurrency',
      reason: '200 / (80 x 0.6)',
    },
    'rounding error': {
      load: { replicas: 1, concurrency: 48.000000000001, present: 40 },
      replicas: undefined,
      why: 'steady',
      reason: 'one instance is for 48 requests, and a rounding error is no load',
    },
    burst: {
      load: { replicas: 1, concurrency: 3, present: 500 },
      replicas: 7,
      why: 'burst',
      reason: 'every request queued and in flight gets a slot now: 500 / 80',
    },
    'request at zero': {
      load: { replicas: 0, present: 1 },
      state: unused(0),
      replicas: 1,
      why: 'burst',
      reason: 'should the gateway not wake it, the autoscaler does',
    },
    'request at zero with an activation scale': {
      load: { replicas: 0, present: 1 },
      spec: { activation: 5 },
      state: unused(0),
      replicas: 5,
      why: 'activation',
      reason: 'so many start together',
    },
    'woken by a gateway, with an activation scale': {
      load: { replicas: 1, ready: 0, present: 1 },
      spec: { activation: 5 },
      state: unused(0),
      replicas: 5,
      why: 'activation',
      reason: 'there was none before',
    },
    'an activation scale that could not be written': {
      load: { replicas: 1, present: 1 },
      spec: { activation: 5 },
      state: { ...unused(1), activating: true },
      replicas: 5,
      why: 'activation',
      reason: 'it has not been reached yet',
    },
    'an activation scale, and an instance': {
      load: { replicas: 1, present: 1 },
      spec: { activation: 5 },
      replicas: undefined,
      why: 'steady',
      reason: 'it did not start from zero',
    },
    'an activation scale that was reached': {
      load: { replicas: 5, present: 1, concurrency: 1 },
      spec: { activation: 5 },
      state: { ...spare(5), activating: true },
      replicas: 1,
      why: 'spare',
      reason: 'it is no minimum',
    },
    'an activation scale without a request': {
      load: { replicas: 1, ready: 0 },
      spec: { activation: 5 },
      state: unused(0),
      replicas: undefined,
      why: 'steady',
      reason: 'whoever woke it got an instance',
    },
    'an activation scale before the revision is ready': {
      load: { replicas: 0, present: 1 },
      spec: { activation: 5, pending: true, initial: 2 },
      state: unused(0),
      replicas: 2,
      why: 'starting',
      reason: 'the initial scale is for that',
    },
    'CPU use': {
      load: { replicas: 2, concurrency: 1, present: 1, cpu: { cores: 1.9, unmeasured: 0 } },
      replicas: 4,
      why: 'cpu',
      reason: '1.9 / (1 x 0.6)',
    },
    'CPU use without requests': {
      load: { replicas: 2, cpu: { cores: 1.9, unmeasured: 0 } },
      spec: { min: 2 },
      replicas: undefined,
      why: 'steady',
      reason: 'more instances of a program that is busy by itself would be busier still',
    },
    'CPU use that does not count': {
      load: { replicas: 2, concurrency: 1, present: 1, cpu: { cores: 1.9, unmeasured: 0 } },
      spec: { targetCpu: Number.POSITIVE_INFINITY },
      replicas: undefined,
      why: 'steady',
      reason: 'its target is disabled',
    },
    'mean concurrency that does not count': {
      load: { replicas: 2, concurrency: 150, present: 150 },
      spec: { targetConcurrency: Number.POSITIVE_INFINITY },
      replicas: undefined,
      why: 'steady',
      reason: 'its target is disabled, and two instances have 160 slots',
    },
    'requests without a slot, where their mean does not count': {
      load: { replicas: 2, concurrency: 170, present: 170 },
      spec: { targetConcurrency: Number.POSITIVE_INFINITY },
      replicas: 3,
      why: 'burst',
      reason: 'a request that waits gets an instance at once',
    },
    'CPU data lost, where it does not count': {
      load: { replicas: 6, present: 1, concurrency: 1, cpu: { cores: undefined, unmeasured: 6 } },
      spec: { targetCpu: Number.POSITIVE_INFINITY },
      state: spare(6),
      replicas: 1,
      why: 'spare',
      reason: 'nothing that counts is missing',
    },
    maximum: {
      load: { replicas: 1, concurrency: 9000, present: 9000 },
      spec: { max: 4 },
      replicas: 4,
      why: 'concurrency',
      reason: 'never more than the maximum',
    },
    'lower maximum': {
      load: { replicas: 9, concurrency: 700, present: 700, complete: false },
      spec: { max: 4 },
      state: initialState(9, NOW),
      replicas: 4,
      why: 'max',
      reason: 'a person has set it, and measurements have no say',
    },
    minimum: {
      load: { replicas: 0 },
      spec: { min: 2 },
      state: unused(0),
      replicas: 2,
      why: 'min',
      reason: 'raised at once',
    },
    'minimum without data': {
      load: { replicas: 1, concurrency: undefined, complete: false },
      spec: { min: 2 },
      replicas: 2,
      why: 'min',
      reason: 'it needs no measurement',
    },
    'idle to the minimum': {
      load: { replicas: 5 },
      spec: { min: 2 },
      state: unused(5),
      replicas: 2,
      why: 'idle',
      reason: 'no request arrived for the idle time',
    },
    'idle to zero': { load: {}, state: unused(1), replicas: 0, why: 'idle', reason: 'the last one goes too' },
    'idle to zero despite CPU use': {
      load: { cpu: { cores: 0.9, unmeasured: 0 } },
      state: unused(1),
      replicas: 0,
      why: 'idle',
      reason: 'requests alone decide about the last one',
    },
    'idle to zero without CPU data': {
      load: { cpu: { cores: undefined, unmeasured: 1 } },
      state: unused(1),
      replicas: 0,
      why: 'idle',
      reason: 'requests alone decide about the last one',
    },
    'idle with a request in flight': {
      load: { present: 1, concurrency: 1 },
      state: unused(1),
      replicas: undefined,
      why: 'steady',
      reason: 'a request of any length keeps it',
    },
    'a request a moment ago': {
      load: { lastRequestAt: NOW - SECOND },
      state: unused(1),
      replicas: undefined,
      why: 'steady',
      reason: 'it has come and gone between two scrapes',
    },
    'a gateway with a clock ahead': {
      load: { lastRequestAt: NOW + 60 * MINUTE },
      state: unused(1),
      replicas: undefined,
      why: 'steady',
      reason: 'a time to come counts as now',
    },
    'just woken by a gateway': {
      load: { replicas: 1, ready: 0 },
      state: unused(0),
      spec: { idleMs: 1000 },
      replicas: undefined,
      why: 'steady',
      reason: 'someone else raised it: that is activity',
    },
    'raised by a person': {
      load: { replicas: 5, present: 1, concurrency: 1 },
      state: spare(1),
      replicas: undefined,
      why: 'steady',
      reason: 'instances that another client asked for stay for the idle time',
    },
    'spare instances': {
      load: { replicas: 6, present: 1, concurrency: 1 },
      state: spare(6),
      replicas: 1,
      why: 'spare',
      reason: 'not needed for the idle time',
    },
    'spare but needed a while ago': {
      load: { replicas: 6, present: 1, concurrency: 1 },
      state: { replicas: 6, lastActivityAt: NOW, needs: [{ count: 4, at: NOW - 9 * MINUTE }] },
      replicas: 4,
      why: 'spare',
      reason: 'four were needed within two thirds of the idle time',
    },
    'spare together': {
      load: { replicas: 6, present: 1, concurrency: 1 },
      state: { replicas: 6, lastActivityAt: NOW, needs: [{ count: 4, at: NOW - 14 * MINUTE }] },
      replicas: 1,
      why: 'spare',
      reason: 'two go after the idle time, and three that would follow within a third of it go with them',
    },
    'none spare for the idle time': {
      load: { replicas: 6, present: 1, concurrency: 1 },
      state: { replicas: 6, lastActivityAt: NOW, needs: [{ count: 6, at: NOW - 14 * MINUTE }] },
      replicas: undefined,
      why: 'steady',
      reason: 'all were needed within it',
    },
    'spare with long requests': {
      load: { replicas: 6, present: 3, concurrency: 3 },
      state: spare(6),
      replicas: 1,
      why: 'spare',
      reason: 'an instance that is drained keeps its requests until they end',
    },
    'a little above the target': {
      load: { replicas: 10, concurrency: 520, present: 520 },
      replicas: undefined,
      why: 'steady',
      reason: 'ten instances are for 480; 8 % more is within the tolerance',
    },
    'more than a little above the target': {
      load: { replicas: 10, concurrency: 530, present: 530 },
      replicas: 12,
      why: 'concurrency',
      reason: '530 / 48, as 10 % are exceeded',
    },
    'a peak within a second': {
      load: { replicas: 1, concurrency: 3, present: 90, recent: 40 },
      replicas: undefined,
      why: 'steady',
      reason: 'it is over before another instance has started',
    },
    'a peak when no instance runs': {
      load: { replicas: 0, concurrency: 0, present: 200, recent: 1 },
      state: unused(0),
      replicas: 3,
      why: 'burst',
      reason: 'no slot is there for any of them',
    },
    'more requests soon after a raise': {
      load: { replicas: 7, ready: 1, present: 900, concurrency: 30 },
      state: { ...initialState(7, NOW), raised: { first: NOW - 4 * SECOND, last: NOW - 3 * SECOND } },
      replicas: 12,
      why: 'burst',
      reason: 'the second raise came after 1 s, so the third may come 2 s later',
    },
    'more requests too soon after a raise': {
      load: { replicas: 7, ready: 1, present: 900, concurrency: 30 },
      state: { ...initialState(7, NOW), raised: { first: NOW - 6 * SECOND, last: NOW - 3 * SECOND } },
      replicas: undefined,
      why: 'steady',
      reason: 'those that start serve them before another one would',
    },
    'more requests after a raise, all started': {
      load: { replicas: 7, present: 900, concurrency: 30 },
      state: { ...initialState(7, NOW), raised: { first: NOW - 6 * SECOND, last: NOW - 3 * SECOND } },
      replicas: 12,
      why: 'burst',
      reason: 'there is nothing to wait for',
    },
    'minimum raised soon after a burst': {
      load: { replicas: 7, ready: 1, present: 900, concurrency: 30 },
      spec: { min: 9 },
      state: { ...initialState(7, NOW), raised: { first: NOW - 6 * SECOND, last: NOW - 3 * SECOND } },
      replicas: 9,
      why: 'min',
      reason: 'it needs no measurement',
    },
    'spare with a short idle time': {
      load: { replicas: 6, present: 1, concurrency: 1 },
      spec: { idleMs: SECOND },
      state: { replicas: 6, lastActivityAt: NOW, needs: [{ count: 4, at: NOW - 50 * SECOND }] },
      replicas: 4,
      why: 'spare',
      reason: 'the window is the least time in which an instance is shown to be spare',
    },
    'spare with a scale-down delay': {
      load: { replicas: 6, present: 1, concurrency: 1 },
      spec: { spareMs: 2 * MINUTE },
      state: { replicas: 6, lastActivityAt: NOW, needs: [{ count: 6, at: NOW - 2 * MINUTE }] },
      replicas: 1,
      why: 'spare',
      reason: 'it is shorter than the idle time',
    },
    'the last one with a scale-down delay': {
      load: {},
      spec: { spareMs: SECOND },
      state: initialState(1, NOW - 10 * MINUTE),
      replicas: undefined,
      why: 'steady',
      reason: 'it stays for the idle time',
    },
    'spare by requests, used by CPU': {
      load: { replicas: 6, present: 1, concurrency: 1, cpu: { cores: 1.5, unmeasured: 1 } },
      state: spare(6),
      replicas: 4,
      why: 'spare',
      reason: 'three for 1.5 cores, and one of which nothing is known',
    },
    'silent gateway': {
      load: { replicas: 6, concurrency: 0, complete: false },
      state: unused(6),
      replicas: undefined,
      why: 'incomplete',
      reason: 'missing data never scales down',
    },
    'silent gateway, load in the others': {
      load: { replicas: 1, concurrency: 200, present: 200, complete: false },
      replicas: 5,
      why: 'concurrency',
      reason: 'what is known asks for more already',
    },
    'CPU data lost': {
      load: { replicas: 6, present: 1, concurrency: 1, cpu: { cores: undefined, unmeasured: 0 } },
      state: spare(6),
      replicas: undefined,
      why: 'incomplete',
      reason: 'missing data never scales down',
    },
    manual: {
      load: { present: 900, concurrency: 900 },
      spec: { manual: 3 },
      replicas: 3,
      why: 'manual',
      reason: 'as set',
    },
    'manual and equal': {
      load: { replicas: 3 },
      spec: { manual: 3 },
      replicas: undefined,
      why: 'steady',
      reason: 'no write',
    },
    'first start': {
      load: { replicas: 1, ready: 0 },
      spec: { pending: true, idleMs: SECOND },
      state: unused(1),
      replicas: undefined,
      why: 'steady',
      reason: 'it stays until it has proven itself, however long the image takes',
    },
    'first start of several': {
      load: { replicas: 1, ready: 0 },
      spec: { pending: true, initial: 3 },
      replicas: 3,
      why: 'starting',
      reason: 'initial-scale',
    },
    'failed start': {
      load: { ready: 0 },
      spec: { failed: true, min: 2 },
      state: initialState(1, NOW),
      replicas: 0,
      why: 'failed',
      reason: 'it is scaled to zero at once, whatever its minimum',
    },
    'failed, but an instance runs': {
      load: { ready: 1 },
      spec: { failed: true },
      state: initialState(1, NOW),
      replicas: undefined,
      why: 'steady',
      reason: 'it has started after all, and may be in use',
    },
    'failed start with a request': {
      load: { ready: 0, present: 1 },
      spec: { failed: true },
      replicas: undefined,
      why: 'failed',
      reason: 'a gateway answers the request first',
    },
    'failed start without data': {
      load: { ready: 0, complete: false },
      spec: { failed: true },
      replicas: undefined,
      why: 'failed',
      reason: 'missing data never scales down',
    },
  };

  for (const [name, { load, spec, state, replicas, why, reason }] of Object.entries(cases)) {
    it(name, () => {
      const seen = loadWith(load);
      const decision = decide(seen, specWith(spec), state ?? initialState(seen.replicas, NOW), NOW);
      assert.deepEqual([decision.replicas, decision.reason], [replicas, why], reason);
    });
  }
});

describe("decide's memory", () => {
  const after = (load: Partial<Load>, spec: Partial<ScalingSpec> = {}) =>
    decide(loadWith(load), specWith(spec), unused(1), NOW).state.lastActivityAt;

  it('takes these for activity now', () => {
    assert.equal(after({ present: 1 }), NOW, 'a request in flight or queued');
    assert.equal(after({ replicas: 2 }), NOW, 'someone else has raised the number');
    assert.equal(after({}, { pending: true }), NOW, 'the revision is starting');
    assert.equal(after({ lastRequestAt: NOW + MINUTE }), NOW, 'a gateway whose clock is ahead');
  });

  it('keeps the time of the last request otherwise', () => {
    assert.equal(after({ lastRequestAt: NOW - MINUTE }), NOW - MINUTE);
    assert.equal(after({ lastRequestAt: LONG_AGO - MINUTE }), LONG_AGO);
    assert.equal(after({ complete: false }), LONG_AGO);
  });
});

const anySpec = fc
  .record({
    min: fc.nat(10),
    max: fc.integer({ min: 1, max: 60 }),
    initial: fc.integer({ min: 1, max: 5 }),
    pending: fc.boolean(),
    failed: fc.boolean(),
    concurrency: fc.integer({ min: 1, max: 100 }),
    idleMs: fc.integer({ min: 1000, max: 900_000 }),
    utilization: fc.constantFrom(0.1, 0.6, 0.95, Number.POSITIVE_INFINITY),
    spareMs: fc.integer({ min: 1000, max: 900_000 }),
    activation: fc.nat(8),
    targetCpu: fc.constantFrom(0.1, 0.6, 0.95, Number.POSITIVE_INFINITY),
  })
  .map(({ utilization, ...changes }) =>
    specWith({
      ...changes,
      targetConcurrency: changes.concurrency * utilization,
      min: Math.min(changes.min, changes.max),
      initial: Math.min(changes.initial, changes.max),
      activation: Math.min(changes.activation, changes.max),
      failed: changes.failed && !changes.pending,
    }),
  );
const anyLoad: fc.Arbitrary<Load> = fc.record({
  replicas: fc.nat(60),
  ready: fc.nat(60),
  present: fc.nat(3000),
  concurrency: fc.option(fc.double({ min: 0, max: 3000, noNaN: true }), { nil: undefined }),
  recent: fc.nat(3000),
  lastRequestAt: fc.option(fc.integer({ min: NOW - 1_800_000, max: NOW + 1000 }), { nil: undefined }),
  complete: fc.boolean(),
  cpu: fc.option(
    fc.record({
      cores: fc.option(fc.double({ min: 0, max: 60, noNaN: true }), { nil: undefined }),
      unmeasured: fc.nat(10),
    }),
    { nil: undefined },
  ),
});
const anyState: fc.Arbitrary<ScaleState> = fc.record({
  replicas: fc.nat(60),
  lastActivityAt: fc.integer({ min: NOW - 1_800_000, max: NOW }),
  needs: fc.array(fc.record({ count: fc.nat(60), at: fc.integer({ min: NOW - 900_000, max: NOW - 1 }) }), {
    maxLength: 1,
  }),
  activating: fc.boolean(),
});

describe('decide, for any input', () => {
  const outcome = (load: Load, spec: ScalingSpec, state: ScaleState) =>
    decide(load, spec, state, NOW).replicas ?? load.replicas;
  const holds = (predicate: (load: Load, spec: ScalingSpec, state: ScaleState) => void) =>
    fc.assert(fc.property(anyLoad, anySpec, anyState, predicate), { numRuns: 2000 });

  it('sets nothing outside minimum and maximum, but zero for a failed start', () => {
    holds((load, spec, state) => {
      const { replicas } = decide(load, spec, state, NOW);
      if (replicas === undefined || (spec.failed && replicas === 0)) return;
      assert.ok(replicas >= spec.min && replicas <= spec.max, `${replicas} in ${spec.min}..${spec.max}`);
    });
  });

  it('never leaves a request without an instance', () => {
    holds((load, spec, state) => {
      if (load.present > 0) assert.notEqual(decide(load, spec, state, NOW).replicas, 0);
    });
  });

  it('never lowers on missing data, but to a lower maximum', () => {
    holds((load, spec, state) => {
      const after = outcome({ ...load, complete: false }, spec, state);
      assert.ok(after >= Math.min(load.replicas, spec.max));
    });
  });

  it('wants no fewer instances for more requests', () => {
    fc.assert(
      fc.property(anyLoad, anySpec, anyState, fc.nat(500), fc.nat(500), (load, spec, state, now, mean) => {
        const more = { ...load, present: load.present + now, concurrency: (load.concurrency ?? 0) + mean };
        const less = { ...load, concurrency: load.concurrency ?? 0 };
        assert.ok(outcome(more, spec, state) >= outcome(less, spec, state));
      }),
      { numRuns: 2000 },
    );
  });

  it('changes nothing when called again after its decision', () => {
    holds((load, spec, state) => {
      const first = decide(load, spec, state, NOW);
      if (first.replicas === undefined) return;
      const after = { ...load, replicas: first.replicas };
      const again = decide(after, spec, { ...first.state, replicas: first.replicas }, NOW);
      assert.equal(again.replicas, undefined);
    });
  });

  it('keeps the needs it remembers in order and few', () => {
    fc.assert(
      fc.property(anySpec, fc.array(anyLoad, { maxLength: 100 }), (spec, loads) => {
        let state = initialState(0, NOW);
        loads.forEach((load, tick) => {
          state = decide(load, spec, state, NOW + tick * SECOND).state;
        });
        const counts = state.needs.map(({ count }) => count);
        assert.deepEqual(
          counts,
          [...new Set(counts)].sort((a, b) => b - a),
        );
      }),
    );
  });
});
