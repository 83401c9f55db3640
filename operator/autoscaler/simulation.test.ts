import assert from 'node:assert/strict';
import fc from 'fast-check';
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
