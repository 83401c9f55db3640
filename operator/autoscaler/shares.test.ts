import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Share, shareOf } from './shares.ts';

const split = (...percents: number[]): Share[] =>
  percents.map((percent, index) => ({ revision: String.fromCharCode(97 + index), percent }));

describe('shareOf', () => {
  const cases: Record<string, { total: number; percents: number[]; parts: number[]; reason: string }> = {
    'all to one': { total: 5, percents: [100], parts: [5], reason: 'the whole number' },
    even: { total: 10, percents: [90, 10], parts: [9, 1], reason: 'exact parts' },
    remainders: { total: 10, percents: [33, 33, 34], parts: [3, 3, 4], reason: 'the largest remainder wins' },
    tie: { total: 3, percents: [50, 50], parts: [2, 1], reason: 'equal remainders go by name' },
    'too few': { total: 1, percents: [50, 50], parts: [1, 1], reason: 'traffic needs an instance' },
    none: { total: 0, percents: [50, 50], parts: [0, 0], reason: 'zero is zero for all' },
    'no traffic': { total: 4, percents: [100, 0], parts: [4, 0], reason: 'a tag alone has no part' },
  };
  for (const [name, { total, percents, parts, reason }] of Object.entries(cases)) {
    it(name, () => {
      const shares = split(...percents);
      assert.deepEqual(
        shares.map((share) => shareOf(total, shares, share.revision)),
        parts,
        reason,
      );
    });
  }

  it('is zero for a revision that the route does not name', () => {
    assert.equal(shareOf(4, split(100), 'z'), 0);
  });

  it('sums up to the whole whenever there is one instance for each', () => {
    const percents = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(percents, fc.integer({ min: 0, max: 500 }), (given, total) => {
        const shares = split(...given);
        const parts = shares.map((share) => shareOf(total, shares, share.revision));
        const sum = parts.reduce((all, part) => all + part, 0);
        const lifted = parts.filter((part) => part === 1).length;
        assert.ok(sum >= total && sum - total <= lifted, `${sum} of ${total}`);
      }),
    );
  });
});
