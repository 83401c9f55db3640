import assert from 'node:assert/strict';
import { SECOND, specWith } from './testing/simulation.ts';
import { type Observation, Track } from './track.ts';

const START = 1_700_000_000_000;

describe('Track', () => {
  const seen = (changes: Partial<Observation> = {}): Observation => ({
    spec: specWith(),
    replicas: 1,
    ready: 1,
    requests: undefined,
    complete: true,
    cpu: undefined,
    ...changes,
  });
  const requests = (mean: number) => ({
    present: Math.round(mean),
    mean,
    lastRequestAt: START,
    instances: new Map(),
  });

  /** The last decision of `seconds` ticks that all see the same. */
  function repeat(track: Track, seconds: number, observation: Observation, from = START) {
    let last: ReturnType<Track['next']>;
    for (let second = 0; second < seconds; second++) last = track.next(observation, from + second * SECOND);
    return last;
  }

  it('sleeps at zero, and wakes for a request, a minimum, a first start or a manual number', () => {
    const at = (changes: Partial<Observation>) => new Track().next(seen({ replicas: 0, ...changes }), START);
    assert.equal(at({}), undefined);
    assert.equal(at({ spec: specWith({ failed: true, min: 2 }) }), undefined);
    assert.equal(at({ spec: specWith({ manual: 0, min: 2 }) }), undefined);
    assert.equal(at({ spec: specWith({ pending: true, initial: 0 }) }), undefined);
    assert.equal(at({ spec: specWith({ pending: true, initial: 0, min: 2 }) })?.replicas, 2);
    assert.equal(at({ requests: requests(1) })?.replicas, 1);
    assert.equal(at({ spec: specWith({ min: 2 }) })?.replicas, 2);
    assert.equal(at({ spec: specWith({ pending: true }) })?.replicas, 1);
    assert.equal(at({ spec: specWith({ manual: 3 }) })?.replicas, 3);
  });

  it('knows from when on its mean is observed: for one that runs, a window after a restart', () => {
    const isAssumed = (track: Track, second: number) =>
      track.next(seen({ requests: requests(1) }), START + second * SECOND)?.load.assumed;
    const found = new Track();
    assert.deepEqual([isAssumed(found, 0), isAssumed(found, 59), isAssumed(found, 60)], [true, true, false]);
    const woken = new Track();
    woken.next(seen({ replicas: 0 }), START);
    assert.equal(isAssumed(woken, 1), false);
  });

  it('scales out by the reports of a part of the gateways', () => {
    const track = new Track();
    repeat(track, 60, seen({ requests: requests(10) }));
    const partial = seen({ complete: false, replicas: 5, requests: requests(400) });
    assert.equal(repeat(track, 60, partial, START + 60 * SECOND)?.replicas, 9, '400 / 48');
  });

  it('does not take the reports of a part of the gateways for the whole', () => {
    const track = new Track();
    repeat(track, 60, seen({ replicas: 9, requests: requests(400) }));
    const partial = seen({ complete: false, replicas: 7, requests: requests(10) });
    assert.equal(repeat(track, 30, partial, START + 60 * SECOND)?.replicas, 9, 'the mean is still 400');
  });

  it('starts its activation scale each time that it wakes, and not after a restart', () => {
    const spec = specWith({ activation: 5 });
    const woken = seen({ spec, ready: 0, requests: requests(1) });
    assert.equal(new Track().next(woken, START)?.replicas, undefined, 'what runs may be right');
    const track = new Track();
    for (const at of [START, START + 60 * SECOND]) {
      assert.equal(track.next(seen({ spec, replicas: 0 }), at), undefined, 'asleep');
      assert.equal(track.next(woken, at + SECOND)?.replicas, 5);
      const reached = track.next({ ...woken, replicas: 5 }, at + 2 * SECOND);
      assert.equal(reached?.replicas, undefined, 'they stay while they start');
    }
  });

  it('keeps what runs after a restart, and its mean, when the target of requests is disabled', () => {
    const spec = specWith({ targetConcurrency: Number.POSITIVE_INFINITY });
    const track = new Track();
    const busy = seen({ spec, replicas: 3, ready: 3, requests: requests(60) });
    const first = track.next(busy, START);
    assert.equal(first?.replicas, undefined);
    assert.equal(first?.load.concurrency, 0.5, 'a number, although there is no target to begin with');
    assert.equal(repeat(track, 60, busy, START + SECOND)?.load.concurrency, 60);
  });

  it('averages CPU use over the window', () => {
    const track = new Track();
    const busy = (cores: number) => seen({ requests: requests(1), cpu: { cores, unmeasured: 0 } });
    repeat(track, 60, busy(0.3));
    assert.equal(
      track.next(busy(30), START + 60 * SECOND)?.replicas,
      2,
      '(59 x 0.3 + 30) / 60 is 0.8 of a core',
    );
  });
});
