import assert from 'node:assert/strict';
import fc from 'fast-check';
import { partsOf, type Share } from '../../apis/serving/traffic/shares.ts';
import { type Member, rollOut } from './rollOut.ts';

const all = (revision: string): Share[] => [{ revision, percent: 100 }];
const member = (revision: string, replicas: number, ready = replicas, state: Member['state'] = 'proven') => ({
  revision,
  replicas,
  ready,
  state,
});
const whole = { surge: 100, unavailable: 0 };

interface Case {
  reason: string;
  count: number;
  steps?: { surge: number; unavailable: number };
  inForce: Share[];
  target?: Share[];
  members: Member[];
  next: Record<string, number>;
}

const CASES: Record<string, Case> = {
  'a first revision': {
    reason: 'nothing is lost by starting all instances at once',
    count: 3,
    inForce: all('a'),
    members: [member('a', 0, 0, 'trying')],
    next: { a: 3 },
  },
  'a first revision that failed': {
    reason: 'there is no other; its instances go on being started again',
    count: 3,
    inForce: all('a'),
    members: [member('a', 3, 0, 'failed')],
    next: { a: 3 },
  },
  'more instances': {
    reason: 'a number is reached in one step',
    count: 5,
    inForce: all('a'),
    members: [member('a', 2)],
    next: { a: 5 },
  },
  'fewer instances': {
    reason: 'and so is a lower one',
    count: 2,
    inForce: all('a'),
    members: [member('a', 5)],
    next: { a: 2 },
  },
  'no instances': {
    reason: 'a pool that is turned off stops everything',
    count: 0,
    inForce: all('a'),
    members: [member('a', 5), member('b', 2, 0, 'trying')],
    next: { a: 0, b: 0 },
  },
  'a new revision': {
    reason: 'it is tried beside the one that runs',
    count: 4,
    steps: { surge: 4, unavailable: 0 },
    inForce: all('a'),
    target: all('b'),
    members: [member('a', 4), member('b', 0, 0, 'trying')],
    next: { a: 4, b: 4 },
  },
  'a new revision with a surge of one': {
    reason: 'no more than the surge are tried',
    count: 4,
    steps: { surge: 1, unavailable: 0 },
    inForce: all('a'),
    target: all('b'),
    members: [member('a', 4), member('b', 0, 0, 'trying')],
    next: { a: 4, b: 1 },
  },
  'a new revision without a surge': {
    reason: 'one of those that may be missing makes room',
    count: 4,
    steps: { surge: 0, unavailable: 1 },
    inForce: all('a'),
    target: all('b'),
    members: [member('a', 4), member('b', 0, 0, 'trying')],
    next: { a: 3, b: 0 },
  },
  'a new revision in the room that was made': {
    reason: 'and then it is tried there',
    count: 4,
    steps: { surge: 0, unavailable: 1 },
    inForce: all('a'),
    target: all('b'),
    members: [member('a', 3), member('b', 0, 0, 'trying')],
    next: { a: 3, b: 1 },
  },
  'a new revision that failed': {
    reason: 'it gets nothing any more; what it leaves is free in the next step',
    count: 4,
    steps: { surge: 0, unavailable: 1 },
    inForce: all('a'),
    target: all('b'),
    members: [member('a', 3), member('b', 1, 0, 'failed')],
    next: { a: 3, b: 0 },
  },
  'after a new revision failed': {
    reason: 'the old one has everything again',
    count: 4,
    steps: { surge: 0, unavailable: 1 },
    inForce: all('a'),
    target: all('b'),
    members: [member('a', 3), member('b', 0, 0, 'failed')],
    next: { a: 4, b: 0 },
  },
  'a proven revision': {
    reason: 'as many old instances go as new ones are healthy',
    count: 4,
    steps: { surge: 4, unavailable: 0 },
    inForce: all('b'),
    members: [member('a', 4), member('b', 4, 3)],
    next: { a: 1, b: 4 },
  },
  'a proven revision, step by step': {
    reason: 'the surge is counted over all revisions',
    count: 4,
    steps: { surge: 1, unavailable: 0 },
    inForce: all('b'),
    members: [member('a', 3), member('b', 2)],
    next: { a: 2, b: 2 },
  },
  'an old instance that is not healthy': {
    reason: 'it may go at once: it is not missed',
    count: 2,
    steps: { surge: 2, unavailable: 0 },
    inForce: all('b'),
    members: [member('a', 2, 1), member('b', 2, 0)],
    next: { a: 1, b: 2 },
  },
};

describe('rollOut', () => {
  for (const [name, { reason, steps = whole, target, next, ...given }] of Object.entries(CASES)) {
    it(`${name}: ${reason}`, () => {
      const result = rollOut({ steps, target: target ?? given.inForce, ...given });
      assert.deepEqual(Object.fromEntries(result), next);
    });
  }

  const names = ['a', 'b', 'c', 'd'];
  const split = fc
    .uniqueArray(fc.constantFrom(...names), { minLength: 1, maxLength: 3 })
    .map((revisions) => revisions.map((revision) => ({ revision, percent: 100 / revisions.length })));
  const situation = fc.record({
    count: fc.integer({ min: 0, max: 20 }),
    surge: fc.integer({ min: 0, max: 20 }),
    unavailable: fc.integer({ min: 0, max: 20 }),
    inForce: split,
    before: split,
    previous: fc.integer({ min: 0, max: 20 }),
    /** Which starting instance becomes healthy next. */
    luck: fc.array(fc.nat(), { minLength: 400, maxLength: 400 }),
  });
  type Situation = typeof situation extends fc.Arbitrary<infer S> ? S : never;

  /** Follows the steps from one split to another while instances become healthy one after the other. */
  function follow({ count, surge, unavailable, inForce, before, previous, luck }: Situation) {
    const steps = surge === 0 && unavailable === 0 ? { surge, unavailable: 1 } : { surge, unavailable };
    const start = partsOf(previous, before);
    let members = names.map((name) => member(name, start.get(name) ?? 0));
    const seen: { asked: number; healthy: number; least: number }[] = [];
    for (const pick of luck) {
      const next = rollOut({ count, inForce, target: inForce, steps, members });
      members = members.map(({ revision, replicas, ready }) => {
        const wanted = next.get(revision) ?? 0;
        // Those that are not healthy go first.
        return member(revision, wanted, Math.min(ready, wanted, replicas));
      });
      const asked = members.reduce((sum, { replicas }) => sum + replicas, 0);
      const healthy = members.reduce((sum, { ready }) => sum + ready, 0);
      seen.push({ asked, healthy, least: count - steps.unavailable });
      const starting = members.filter(({ replicas, ready }) => ready < replicas);
      const lucky = starting[pick % Math.max(1, starting.length)];
      if (lucky) lucky.ready += 1;
    }
    return { members, seen, steps };
  }

  it('comes to the split from any other, whatever the steps', () => {
    fc.assert(
      fc.property(situation, (given) => {
        const { members } = follow(given);
        const parts = partsOf(given.count, given.inForce);
        for (const { revision, replicas, ready } of members) {
          assert.equal(replicas, parts.get(revision) ?? 0, revision);
          assert.equal(ready, replicas);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('never asks for more than number and surge, nor stops what must be there', () => {
    fc.assert(
      fc.property(situation, (given) => {
        const { seen, steps } = follow(given);
        let healthy = given.previous;
        for (const now of seen) {
          assert.ok(
            now.asked <= Math.max(given.count + steps.surge, given.previous),
            `${now.asked} asked for`,
          );
          // Fewer than must be there can only be so because they were never there.
          assert.ok(now.healthy >= Math.min(healthy, now.least), `${now.healthy} healthy`);
          healthy = now.healthy;
        }
      }),
      { numRuns: 300 },
    );
  });
});
