import assert from 'node:assert/strict';
import type { DrainStep } from '../shared/drainProtocol.ts';
import { type Drainable, Drains } from './drains.ts';

/** One revision with one instance, `pod`. */
class Fake implements Drainable {
  drained = new Set<string>();
  inside = 0;
  waiting = 0;

  setDrained(uid: string, drained: boolean): void {
    if (drained) this.drained.add(uid);
    else this.drained.delete(uid);
  }

  isEmpty(): boolean {
    return this.drained.has('pod') && this.inside === 0;
  }

  isMissed(): boolean {
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
  const hear = (step?: DrainStep, now = round) =>
    drains.take({ term: 1, round: ++round, instances: step ? { pod: step } : {} }, now).pod;

  beforeEach(() => {
    fake = new Fake();
    drains = new Drains(fake, 5000);
    round = 0;
  });

  it('releases an instance only when it is empty', () => {
    fake.inside = 1;
    assert.deepEqual([hear('drain'), hear('release')], ['draining', 'draining']);
    fake.inside = 0;
    assert.deepEqual([hear('drain'), hear('release'), hear('remove')], ['drained', 'released', 'released']);
    assert.ok(fake.drained.has('pod'));
  });

  it('gives an instance that is not promised to a request at once, and says so until it is called off', () => {
    hear('drain');
    assert.equal(drains.takeBack('ns/rev'), true);
    assert.equal(fake.drained.size, 0, 'it takes requests');
    assert.deepEqual([hear('drain'), hear('release'), hear('remove')], ['refused', 'refused', 'refused']);
    hear();
    assert.equal(hear('drain'), 'drained');
  });

  it('keeps its promise to a request that comes later, and takes it back with the next word', () => {
    hear('drain');
    hear('release');
    fake.waiting = 1;
    assert.equal(drains.takeBack('ns/rev'), false);
    assert.ok(fake.drained.has('pod'));
    assert.equal(hear('release'), 'refused');
    assert.equal(fake.drained.size, 0);
  });

  it('sends nothing to an instance while its removal is under way', () => {
    hear('drain');
    hear('release');
    fake.waiting = 1;
    assert.equal(hear('remove'), 'released');
    assert.equal(drains.takeBack('ns/rev'), false);
    assert.ok(fake.drained.has('pod'));
  });

  it('gives an instance back that is not named any more', () => {
    hear('drain');
    hear('release');
    hear();
    assert.equal(fake.drained.size, 0);
  });

  it('forgets all when the autoscaler has been silent for five seconds', () => {
    hear('remove', 1000);
    drains.tick(5900);
    assert.equal(fake.drained.size, 1);
    drains.tick(6000);
    assert.equal(fake.drained.size, 0);
  });

  it('hears no word that a later one has overtaken, whichever controller sent it', () => {
    drains.take({ term: 2, round: 5, instances: { pod: 'drain' } }, 0);
    assert.deepEqual(drains.take({ term: 2, round: 4, instances: {} }, 1), {});
    assert.deepEqual(drains.take({ term: 1, round: 9, instances: {} }, 1), {});
    assert.equal(fake.drained.size, 1);
    drains.take({ term: 1, round: 10, instances: {} }, 6000);
    assert.equal(fake.drained.size, 0, 'the clock of the next controller may be behind');
  });
});
