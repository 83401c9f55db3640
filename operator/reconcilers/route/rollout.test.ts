import assert from 'node:assert/strict';
import fc from 'fast-check';
import { EPOCH } from '../../testing/serving.ts';
import { type Rollout, type RolloutGoal, stepRollout } from './rollout.ts';

/** Shares as `a 99, b 1`. */
const shares = (text: string) =>
  text.split(', ').flatMap((each) => {
    const [revision = '', percent] = each.split(' ');
    return revision ? [{ revision, percent: Number(percent) }] : [];
  });
const shown = (list: readonly { revision: string; percent: number }[]) =>
  list.map(({ revision, percent }) => `${revision} ${percent}`).join(', ');

interface Look {
  /** Seconds since the start. */
  at: number;
  goal?: Partial<RolloutGoal>;
  /** Revisions that have gone or cannot start. */
  gone?: string[];
  /** As by a new leader: the state is read from its text. */
  expected: string;
}

const CASES: Record<string, { reason: string; served: string; looks: Look[] }> = {
  'a first revision': {
    reason: 'there is nothing that it could take over from',
    served: '',
    looks: [{ at: 0, expected: 'b 100' }],
  },
  'no duration': {
    reason: 'traffic moves in one step, the default',
    served: 'a 100',
    looks: [{ at: 0, goal: { durationMs: 0 }, expected: 'b 100' }],
  },
  'a new revision': {
    reason: 'it begins with 1 % and gets the rest in equal steps until the time is over',
    served: 'a 100',
    looks: [
      { at: 0, expected: 'a 99, b 1' },
      { at: 1, expected: 'a 99, b 1' },
      { at: 1.02, expected: 'a 98, b 2' },
      { at: 49.9, expected: 'a 50, b 50' },
      { at: 99, expected: 'a 1, b 99' },
      { at: 100, expected: 'b 100' },
    ],
  },
  'a short duration': {
    reason: 'steps are a second apart, so they are larger',
    served: 'a 100',
    looks: [
      { at: 0, goal: { durationMs: 3000 }, expected: 'a 99, b 1' },
      { at: 0.999, goal: { durationMs: 3000 }, expected: 'a 99, b 1' },
      { at: 1, goal: { durationMs: 3000 }, expected: 'a 66, b 34' },
      { at: 2, goal: { durationMs: 3000 }, expected: 'a 33, b 67' },
      { at: 3, goal: { durationMs: 3000 }, expected: 'b 100' },
    ],
  },
  'part of the traffic': {
    reason: 'the percentage is one of all requests, so the steps are 1 % of those',
    served: 'a 3',
    looks: [
      { at: 0, goal: { percent: 3 }, expected: 'a 2, b 1' },
      { at: 49, goal: { percent: 3 }, expected: 'a 2, b 1' },
      { at: 50, goal: { percent: 3 }, expected: 'a 1, b 2' },
      { at: 100, goal: { percent: 3 }, expected: 'b 3' },
    ],
  },
  'one percent': {
    reason: 'it cannot be divided',
    served: 'a 1',
    looks: [{ at: 0, goal: { percent: 1 }, expected: 'b 1' }],
  },
  'a third revision in the middle': {
    reason: 'it begins at once, and takes from the newest of the others first',
    served: 'a 100',
    looks: [
      { at: 0, expected: 'a 99, b 1' },
      { at: 30, expected: 'a 70, b 30' },
      { at: 30, goal: { revision: 'c' }, expected: 'a 70, b 29, c 1' },
      { at: 50, goal: { revision: 'c' }, expected: 'a 70, b 10, c 20' },
      { at: 80, goal: { revision: 'c' }, expected: 'a 50, c 50' },
      { at: 130, goal: { revision: 'c' }, expected: 'c 100' },
    ],
  },
  'back to the revision before': {
    reason: 'it keeps what it has, and gets the rest gradually',
    served: 'a 100',
    looks: [
      { at: 0, expected: 'a 99, b 1' },
      { at: 30, expected: 'a 70, b 30' },
      { at: 30, goal: { revision: 'a' }, expected: 'b 30, a 70' },
      { at: 80, goal: { revision: 'a' }, expected: 'b 15, a 85' },
      { at: 130, goal: { revision: 'a' }, expected: 'a 100' },
    ],
  },
  'an older revision that has gone': {
    reason: 'its share cannot be served by it, and moves at once',
    served: 'a 100',
    looks: [
      { at: 0, expected: 'a 99, b 1' },
      { at: 30, expected: 'a 70, b 30' },
      { at: 30, goal: { revision: 'c' }, expected: 'a 70, b 29, c 1' },
      { at: 31, goal: { revision: 'c' }, gone: ['a'], expected: 'b 29, c 71' },
      { at: 32, goal: { revision: 'c' }, gone: ['a', 'b'], expected: 'c 100' },
    ],
  },
  'a failing revision that is replaced': {
    reason: 'the new one is needed at once',
    served: 'a 100',
    looks: [{ at: 0, gone: ['a'], expected: 'b 100' }],
  },
  'a larger percentage on the way': {
    reason: 'the newest revision gets what is added, and the end stays',
    served: 'a 50',
    looks: [
      { at: 0, goal: { percent: 50 }, expected: 'a 49, b 1' },
      { at: 50, goal: { percent: 50 }, expected: 'a 25, b 25' },
      { at: 50, goal: { percent: 60 }, expected: 'a 25, b 35' },
      { at: 76, goal: { percent: 60 }, expected: 'a 12, b 48' },
      { at: 100, goal: { percent: 60 }, expected: 'b 60' },
    ],
  },
  'a smaller percentage on the way': {
    reason: 'the oldest revision gives what is taken',
    served: 'a 50',
    looks: [
      { at: 0, goal: { percent: 50 }, expected: 'a 49, b 1' },
      { at: 50, goal: { percent: 50 }, expected: 'a 25, b 25' },
      { at: 50, goal: { percent: 40 }, expected: 'a 15, b 25' },
      { at: 50, goal: { percent: 20 }, expected: 'b 20' },
    ],
  },
  'a larger percentage with a new revision': {
    reason: 'what is added does not go to a revision that has only begun',
    served: 'a 50',
    looks: [{ at: 0, expected: 'a 99, b 1' }],
  },
  'another duration on the way': {
    reason: 'what has moved stays, and the rest takes what is left of the time since the start',
    served: 'a 100',
    looks: [
      { at: 0, expected: 'a 99, b 1' },
      { at: 50, expected: 'a 50, b 50' },
      { at: 50, goal: { durationMs: 200_000 }, expected: 'a 50, b 50' },
      { at: 125, goal: { durationMs: 200_000 }, expected: 'a 25, b 75' },
      { at: 125, goal: { durationMs: 0 }, expected: 'b 100' },
    ],
  },
  'a clock that was ahead': {
    reason: 'a time of the start that is still to come would delay the end',
    served: 'a 100',
    looks: [
      { at: 1000, expected: 'a 99, b 1' },
      { at: 0, expected: 'a 99, b 1' },
      { at: 100, expected: 'b 100' },
    ],
  },
};

const GOAL = { revision: 'b', percent: 100, durationMs: 100_000, canServe: () => true };
const at = (seconds: number) => EPOCH + Math.round(seconds * 1000);
/** As a controller that has been started anew reads it. */
const reread = (rollout: Rollout | undefined) => rollout && (JSON.parse(JSON.stringify(rollout)) as Rollout);

describe('stepRollout', () => {
  for (const [name, { reason, served, looks }] of Object.entries(CASES)) {
    it(`${name}: ${reason}`, () => {
      let state: { rollout?: Rollout; served: ReturnType<typeof shares> } = { served: shares(served) };
      for (const { at: seconds, goal, gone = [], expected } of looks) {
        const canServe = (revision: string) => !gone.includes(revision);
        const step = stepRollout(state, { ...GOAL, canServe, ...goal }, at(seconds));
        assert.equal(shown(step.shares), expected, `after ${seconds} s`);
        assert.equal(step.rollout === undefined, !expected.includes(','), `after ${seconds} s`);
        state = { rollout: reread(step.rollout), served: step.shares };
      }
    });
  }

  it('goes on from the shares in force where what it remembered is lost', () => {
    const step = stepRollout({ served: shares('a 40, b 60') }, GOAL, at(0));
    assert.equal(shown(step.shares), 'a 40, b 60');
    assert.equal(step.rollout?.endsAt, at(100));
  });

  const arbitrary = {
    percent: fc.integer({ min: 1, max: 100 }),
    durationMs: fc.integer({ min: 1, max: 4000 }).map((seconds) => seconds * 1000),
  };

  it('adds up, is monotone and in time, however often it is looked at', () => {
    fc.assert(
      fc.property(
        fc.record({ ...arbitrary, looks: fc.array(fc.double({ min: 0, max: 1.1, noNaN: true })) }),
        ({ percent, durationMs, looks }) => {
          const goal = { ...GOAL, percent, durationMs };
          const start = { served: shares(`a ${percent}`) };
          const first = stepRollout(start, goal, EPOCH);
          let state = { rollout: reread(first.rollout), served: first.shares };
          let before = first.shares.at(-1)?.percent ?? 0;
          assert.equal(before, 1);
          for (const part of looks.toSorted((a, b) => a - b)) {
            const now = EPOCH + Math.round(part * durationMs);
            const { rollout, shares: found, nextAt } = stepRollout(state, goal, now);
            const newest = found.at(-1);
            assert.equal(
              found.reduce((sum, share) => sum + share.percent, 0),
              percent,
            );
            assert.ok(newest && newest.revision === 'b' && newest.percent >= before);
            assert.equal(rollout !== undefined, now < EPOCH + durationMs && percent > 1);
            assert.ok(nextAt === undefined || nextAt > now);
            assert.deepEqual(
              found,
              stepRollout({ rollout: first.rollout, served: [] }, goal, now).shares,
              'looks in between change nothing',
            );
            before = newest.percent;
            state = { rollout: reread(rollout), served: found };
          }
        },
      ),
    );
  });

  it('takes equal steps of a second at least, each at the time that the one before named, the last at the end', () => {
    fc.assert(
      fc.property(fc.record(arbitrary), ({ percent, durationMs }) => {
        const goal = { ...GOAL, percent, durationMs };
        let now = EPOCH;
        let step = stepRollout({ served: shares(`a ${percent}`) }, goal, now);
        const sizes: number[] = [];
        while (step.nextAt !== undefined) {
          assert.ok(step.nextAt - now >= 999, `${step.nextAt - now} ms`);
          const before = step.shares.at(-1)?.percent ?? 0;
          now = step.nextAt;
          step = stepRollout({ rollout: reread(step.rollout), served: step.shares }, goal, now);
          sizes.push((step.shares.at(-1)?.percent ?? 0) - before);
        }
        assert.equal(now, percent > 1 ? EPOCH + durationMs : EPOCH);
        assert.ok(sizes.every((size) => size >= 1));
        assert.ok(Math.max(0, ...sizes) - Math.min(100, ...sizes) <= 1, sizes.join(' '));
      }),
    );
  });

  it('adds up and takes from no revision but the older ones, whatever comes in the middle', () => {
    const change = fc.record({
      afterMs: fc.integer({ min: 0, max: 60_000 }),
      revision: fc.constantFrom('b', 'c', 'd'),
      percent: fc.constantFrom(100, 100, 100, 60, 2, 1, 0),
      durationMs: fc.constantFrom(100_000, 30_000, 5000, 0),
      gone: fc.subarray(['a', 'b', 'c', 'd'], { maxLength: 1 }),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
        let state: { rollout?: Rollout; served: ReturnType<typeof shares> } = { served: shares('a 100') };
        let now = EPOCH;
        for (const { afterMs, gone, ...goal } of changes) {
          now += afterMs;
          const before = state.served;
          const canServe = (revision: string) => !gone.includes(revision);
          const step = stepRollout(state, { ...goal, canServe }, now);
          const total = step.shares.reduce((sum, { percent }) => sum + percent, 0);
          assert.equal(total, goal.percent);
          assert.equal(step.shares.at(-1)?.revision, goal.revision);
          const held = (list: typeof before, name: string) =>
            list.find(({ revision }) => revision === name)?.percent ?? 0;
          for (const { revision, percent } of step.shares.slice(0, -1)) {
            assert.ok(canServe(revision) && percent > 0);
            // The last one was being rolled out until now.
            if (revision === before.at(-1)?.revision) continue;
            assert.ok(percent <= held(before, revision), `${shown(before)} -> ${shown(step.shares)}`);
          }
          state = { rollout: reread(step.rollout), served: step.shares };
        }
      }),
    );
  });
});
