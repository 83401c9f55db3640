import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { ScalingSpec } from '../apis/serving/revision/scaling.ts';
import { Random } from '../testing/random.ts';
import { poisson } from './simulation/traffic.ts';
import { MINUTE, type Moment, SECOND, simulate, specWith, turns } from './testing/simulation.ts';

const at = (moments: readonly Moment[], second: number) => moments[second]?.replicas;
const peak = (moments: readonly Moment[]) => Math.max(...moments.map(({ replicas }) => replicas));

describe('autoscaler traces', () => {
  it('answers a burst in the same second, and keeps its instances for the idle time', () => {
    const moments = simulate({
      spec: specWith({ idleMs: 5 * MINUTE }),
      seconds: 600,
      load: (second) => (second === 30 ? 800 : second > 30 && second < 500 ? 10 : 0),
    });
    assert.equal(at(moments, 29), 0, 'no request, no instance');
    assert.equal(at(moments, 30), 10, '800 requests at once fill ten instances of 80');
    assert.equal(at(moments, 30 + 299), 10, 'spare instances stay for five minutes');
    assert.equal(at(moments, 30 + 300), 1, 'and then go, as 10 requests need one');
    assert.equal(at(moments, 599), 1, 'the last request was less than five minutes ago');
  });

  it('follows a ramp without a step back', () => {
    const moments = simulate({ spec: specWith(), seconds: 300, load: (second) => second * 4 });
    assert.equal(turns(moments), 0);
    assert.equal(
      at(moments, 299),
      Math.ceil((1196 - 118) / 48),
      'the mean lags behind by half of the window',
    );
  });

  it('goes to zero at the end of the idle time, not of the window, and sleeps', () => {
    const spec = specWith({ idleMs: 20 * SECOND });
    const moments = simulate({ spec, seconds: 120, load: (second) => (second <= 10 ? 200 : 0) });
    assert.equal(at(moments, 29), 3);
    assert.equal(at(moments, 30), 0, '20 s after the last request at second 10');
    assert.equal(moments.at(-1)?.reason, 'asleep');
  });

  it('waits for the end of a request that is longer than the idle time', () => {
    const spec = specWith({ idleMs: 20 * SECOND });
    const moments = simulate({ spec, seconds: 200, load: (second) => (second < 150 ? 1 : 0) });
    assert.equal(at(moments, 168), 1);
    assert.equal(at(moments, 169), 0);
  });

  it('wakes one instance with one slot for one request', () => {
    const spec = specWith({ concurrency: 1, idleMs: MINUTE });
    const moments = simulate({ spec, seconds: 60, load: (second) => (second >= 20 && second < 24 ? 1 : 0) });
    assert.equal(peak(moments), 1, 'a start of four seconds is no load for a second instance');
  });

  it('adds an instance beside a long request in the only slot, and no more (knative/serving#12230)', () => {
    const spec = specWith({ concurrency: 1, min: 1, max: 5 });
    const beside = (second: number) => (second >= 30 && second < 150 && second % 5 === 0 ? 1 : 0);
    const moments = simulate({ spec, seconds: 300, replicas: 1, load: (second) => 1 + beside(second) });
    assert.equal(at(moments, 30), 2, 'there is room before the second request comes');
    assert.ok(
      moments.slice(30).every(({ replicas }) => replicas >= 2),
      'and for as long as one may come',
    );
    assert.equal(
      peak(moments),
      2,
      'no more than the target asks for, so that none has to wait for the idle time',
    );
    assert.equal(at(moments, 150 + 120), Math.ceil(1 / spec.targetConcurrency), 'what the target asks for');
  });

  it('does not follow a sawtooth that is shorter than the idle time', () => {
    const moments = simulate({ spec: specWith(), seconds: 1200, load: (second) => (second % 60) * 8 });
    assert.equal(turns(moments), 0);
    assert.ok(peak(moments) <= 6, `472 requests at once fit in six instances of 80, got ${peak(moments)}`);
  });

  it('keeps what runs when the controller has just started', () => {
    const moments = simulate({ spec: specWith(), seconds: 1000, replicas: 7, load: () => 20 });
    assert.equal(at(moments, 890), 7, 'all are taken to have just been used');
    assert.equal(at(moments, 999), 1);
    assert.equal(peak(moments), 7);
  });

  it('takes the load before its start for what the instances are made for', () => {
    const moments = simulate({ spec: specWith(), seconds: 60, replicas: 7, load: () => 380 });
    assert.equal(at(moments, 10), 7);
    assert.equal(at(moments, 50), 7, 'within the tolerance: 50 s of 380 and 10 of 312');
    assert.equal(at(moments, 55), 8, '372 is more than a tenth above what seven are for');
  });

  it('keeps everything while gateways are silent, and what was needed before for the idle time after', () => {
    const spec = specWith({ idleMs: 2 * MINUTE });
    const complete = (second: number) => second < 60 || second >= 900;
    const moments = simulate({ spec, seconds: 1200, complete, load: (second) => (second < 900 ? 230 : 1) });
    assert.equal(at(moments, 899), 5);
    assert.equal(at(moments, 1000), 5, 'one good answer after a long silence is not enough to give up four');
    assert.equal(at(moments, 1199), 1);
  });

  it('does not flap on noise: one step up and one down within an idle time at most', () => {
    const noisy = fc.record({
      mean: fc.integer({ min: 1, max: 400 }),
      seed: fc.nat(),
      idle: fc.integer({ min: 2, max: 15 }),
    });
    fc.assert(
      fc.property(noisy, ({ mean, seed, idle }) => {
        const random = new Random(seed);
        // As requests in flight are spread that arrive independently.
        const load = () => poisson(mean, random);
        const seconds = 3600;
        const spec = specWith({ concurrency: 10, idleMs: idle * MINUTE });
        const moments = simulate({ spec, seconds, load }).slice(120);
        const most = (2 * seconds) / (idle * 60);
        assert.ok(turns(moments) <= most, `${turns(moments)} turns, ${most} at most`);
        const numbers = moments.map(({ replicas }) => replicas);
        const spread = Math.max(...numbers) - Math.min(...numbers);
        assert.ok(
          spread <= Math.max(2, 0.5 * Math.max(...numbers)),
          `between ${Math.min(...numbers)} and ${Math.max(...numbers)}`,
        );
      }),
      { numRuns: 60 },
    );
  });

  it('holds a manual number whatever comes', () => {
    const moments = simulate({ spec: specWith({ manual: 3 }), seconds: 100, load: (second) => second * 100 });
    assert.ok(moments.every(({ replicas }) => replicas === 3));
  });

  it('reaches a fixed point under constant load, from anywhere, and stays there', () => {
    const spec = fc.record({
      concurrency: fc.integer({ min: 1, max: 1000 }),
      min: fc.integer({ min: 0, max: 5 }),
      max: fc.integer({ min: 5, max: 50 }),
      idleMs: fc.integer({ min: 1, max: 90 }).map((seconds) => seconds * SECOND),
    });
    fc.assert(
      fc.property(spec, fc.nat(500), fc.nat(60), (changes, load, replicas) => {
        const scaling = specWith(changes);
        const moments = simulate({ spec: scaling, seconds: 300, replicas, load: () => load });
        const within = (needed: number) =>
          Math.min(scaling.max, Math.max(scaling.min, Math.ceil(needed - 1e-9)));
        const exact = load / scaling.targetConcurrency;
        const [steady = -1, ...others] = new Set(moments.slice(200).map((moment) => moment.replicas));
        assert.deepEqual(others, []);
        assert.ok(steady >= within(exact / 1.1) && steady <= within(exact), `${steady} for ${exact}`);
        assert.ok(turns(moments) <= 1, 'up to what is needed at once and then down, or only one of both');
      }),
      { numRuns: 60 },
    );
  });
});

/** A stretch of time in which the same load is offered. */
interface Stretch {
  readonly seconds: number;
  readonly load: number;
  /** All gateways answer. */
  readonly complete: boolean;
  /** The CPU metrics answer. */
  readonly measured: boolean;
  /** A new controller begins it. */
  readonly restarted: boolean;
}

const stretches = fc.array(
  fc.record<Stretch>({
    seconds: fc.integer({ min: 1, max: 200 }),
    load: fc.oneof(fc.constant(0), fc.nat(300)),
    complete: fc.boolean(),
    measured: fc.boolean(),
    restarted: fc.boolean(),
  }),
  { minLength: 1, maxLength: 12 },
);
const scaling = fc
  .record({
    concurrency: fc.integer({ min: 1, max: 80 }),
    min: fc.nat(4),
    max: fc.integer({ min: 4, max: 50 }),
    idleMs: fc.integer({ min: 1, max: 300 }).map((seconds) => seconds * SECOND),
    spareMs: fc.integer({ min: 1, max: 300 }).map((seconds) => seconds * SECOND),
    activation: fc.nat(4),
  })
  .map((changes) => specWith({ ...changes, spareMs: Math.min(changes.spareMs, changes.idleMs) }));

/** The stretch of each second. */
const perSecond = (all: readonly Stretch[]) => all.flatMap((each) => Array<Stretch>(each.seconds).fill(each));

/** What becomes of a number of instances; each request uses a third of a core while there are enough. */
function follow(all: readonly Stretch[], spec: ScalingSpec, replicas = 0) {
  const each = perSecond(all);
  const load = (second: number) => each[second]?.load ?? 0;
  const begins = (second: number) => second > 0 && each[second] !== each[second - 1];
  return simulate({
    spec,
    replicas,
    seconds: each.length,
    load,
    complete: (second) => each[second]?.complete ?? true,
    cpu: (second, running) => ({
      cores: each[second]?.measured ? Math.min(load(second) / 3, running) : undefined,
      unmeasured: 0,
    }),
    restarted: (second) => begins(second) && each[second]?.restarted === true,
  });
}

describe('autoscaler traces, whatever comes', () => {
  const holds = (
    predicate: (all: readonly Stretch[], spec: ScalingSpec, moments: readonly Moment[]) => void,
  ) =>
    fc.assert(
      fc.property(stretches, scaling, fc.nat(4), (all, spec, replicas) =>
        predicate(all, spec, follow(all, spec, replicas)),
      ),
      { numRuns: 300 },
    );

  it('never lowers the number while gateways are silent, nor without CPU metrics while there are requests', () => {
    holds((all, _, moments) => {
      const each = perSecond(all);
      moments.forEach(({ replicas, second }, index) => {
        const { complete, measured, load } = each[second] ?? assert.fail();
        if (index === 0 || (complete && (measured || load === 0))) return;
        assert.ok(replicas >= (at(moments, second - 1) ?? 0), `second ${second}`);
      });
    });
  });

  it('never passes the maximum, nor the minimum from the first second on', () => {
    holds((_, spec, moments) => {
      for (const { replicas } of moments) assert.ok(replicas >= spec.min && replicas <= spec.max);
    });
  });

  it('takes the last instance when no request has come for the idle time, and all gateways say so', () => {
    holds((all, spec, moments) => {
      const each = perSecond(all);
      moments.forEach(({ replicas, second }) => {
        if (second === 0 || replicas > 0 || at(moments, second - 1) === 0) return;
        const quiet = each.slice(Math.max(0, second + 1 - spec.idleMs / SECOND), second + 1);
        assert.ok(
          quiet.every(({ load }) => load === 0),
          `second ${second}`,
        );
        assert.ok(each[second]?.complete);
      });
    });
  });

  it('has no more than the minimum once no request has come for the idle time', () => {
    const end = { load: 0, complete: true, measured: false, restarted: false };
    fc.assert(
      fc.property(stretches, scaling, (all, spec) => {
        const moments = follow([...all, { ...end, seconds: spec.idleMs / SECOND + 1 }], spec);
        assert.equal(moments.at(-1)?.replicas, spec.min);
      }),
      { numRuns: 300 },
    );
  });

  it('goes on from what runs when a new controller takes over, at any number and load', () => {
    const steady = { complete: true, measured: true, restarted: false };
    fc.assert(
      fc.property(fc.nat(300), fc.nat(50), scaling, (load, replicas, spec) => {
        const before = { ...steady, load, seconds: 400 };
        const after = { ...steady, load, seconds: 400, restarted: true };
        const numbers = follow([before, after], spec, replicas).map((moment) => moment.replicas);
        assert.deepEqual([...new Set(numbers.slice(399))], [numbers[399]]);
      }),
      { numRuns: 200 },
    );
  });

  it('does not flap on noise in the CPU use', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 2, max: 30 }), (seed, requests) => {
        const random = new Random(seed);
        const spec = specWith({ idleMs: 5 * MINUTE });
        let cores = 0;
        const moments = simulate({
          spec,
          seconds: 3600,
          load: () => requests,
          // As it is measured: a new mean of some seconds every fifteen.
          cpu: (second) => {
            if (second % 15 === 0) cores = (poisson(requests * 10, random) / 10) * 0.5;
            return { cores, unmeasured: 0 };
          },
        }).slice(120);
        const most = (2 * 3600) / (spec.idleMs / SECOND);
        assert.ok(turns(moments) <= most, `${turns(moments)} turns, ${most} at most`);
      }),
      { numRuns: 40 },
    );
  });
});
