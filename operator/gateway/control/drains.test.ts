import assert from 'node:assert/strict';
import type { DrainStep } from '../shared/drainProtocol.ts';
import { type Drainable, Drains } from './drains.ts';

/** One revision with one instance, `pod`. */
class Fake implements Drainable {
  drained = new Set<string>();
  inFlight = 0;
  waiting = 0;

  setDrained(uid: string, drained: boolean): void {
    if (drained) this.drained.add(uid);
    else this.drained.delete(uid);
  }

  isEmpty(): boolean {
    return this.drained.has('pod') && this.inFlight === 0;
  }

  isNeeded(): boolean {
    return this.drained.has('pod') && this.waiting > 0;
  }

  drainedOf(): Iterable<string> {
    return [...this.drained];
  }
}

describe('Drains', () => {
  let fake: Fake;
  let drains: Drains;
  let round: number;
  const order = (step?: DrainStep, now = round) =>
    drains.take({ term: 1, round: ++round, instances: step ? { pod: step } : {} }, now).pod;

  beforeEach(() => {
    fake = new Fake();
    drains = new Drains(fake, 5000);
    round = 0;
  });

  it('releases an instance only when it is empty', () => {
    fake.inFlight = 1;
    assert.deepEqual([order('drain'), order('release')], ['draining', 'draining']);
    fake.inFlight = 0;
    assert.deepEqual(
      [order('drain'), order('release'), order('remove')],
      ['drained', 'released', 'released'],
    );
    assert.ok(fake.drained.has('pod'));
  });

  it('gives an instance that is not promised to a request at once, and reports so until the scale-in is cancelled', () => {
    order('drain');
    assert.equal(drains.takeBack('ns/rev'), true);
    assert.equal(fake.drained.size, 0, 'it takes requests');
    assert.deepEqual([order('drain'), order('release'), order('remove')], ['refused', 'refused', 'refused']);
    order();
    assert.equal(order('drain'), 'drained');
  });

  it('keeps its promise when a request arrives later, until the next round', () => {
    order('drain');
    order('release');
    fake.waiting = 1;
    assert.equal(drains.takeBack('ns/rev'), false);
    assert.ok(fake.drained.has('pod'));
    assert.equal(order('release'), 'refused');
    assert.equal(fake.drained.size, 0);
  });

  it('sends nothing to an instance while it is being removed', () => {
    order('drain');
    order('release');
    fake.waiting = 1;
    assert.equal(order('remove'), 'released');
    assert.equal(drains.takeBack('ns/rev'), false);
    assert.ok(fake.drained.has('pod'));
  });

  it('takes an instance back that is no longer named', () => {
    order('drain');
    order('release');
    order();
    assert.equal(fake.drained.size, 0);
  });

  it('cancels all drains after five seconds without a round', () => {
    order('remove', 1000);
    drains.tick(5900);
    assert.equal(fake.drained.size, 1);
    drains.tick(6000);
    assert.equal(fake.drained.size, 0);
  });

  it('ignores a round older than the last one, whichever controller sent it', () => {
    drains.take({ term: 2, round: 5, instances: { pod: 'drain' } }, 0);
    assert.deepEqual(drains.take({ term: 2, round: 4, instances: {} }, 1), {});
    assert.deepEqual(drains.take({ term: 1, round: 9, instances: {} }, 1), {});
    assert.equal(fake.drained.size, 1);
    drains.take({ term: 1, round: 10, instances: {} }, 6000);
    assert.equal(fake.drained.size, 0, 'the clock of the next controller may be behind');
  });
});
