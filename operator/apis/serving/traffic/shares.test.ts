import assert from 'node:assert/strict';
import fc from 'fast-check';
import { partsOf, type Share, shareOf } from './shares.ts';

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

describe('partsOf', () => {
  const cases: Record<string, { total: number; percents: number[]; parts: number[]; reason: string }> = {
    'seven and three': { total: 10, percents: [70, 30], parts: [7, 3], reason: 'exact parts' },
    'two and one': { total: 3, percents: [70, 30], parts: [2, 1], reason: 'the largest remainder wins' },
    'one each': {
      total: 3,
      percents: [98, 1, 1],
      parts: [1, 1, 1],
      reason: 'a share is at least one instance',
    },
    'from the largest': {
      total: 10,
      percents: [60, 39, 1],
      parts: [6, 3, 1],
      reason: 'who gives has most beyond',
    },
    'too few': { total: 1, percents: [30, 70], parts: [0, 1], reason: 'there is not one for each' },
    none: { total: 0, percents: [50, 50], parts: [0, 0], reason: 'zero is zero for all' },
  };
  for (const [name, { total, percents, parts, reason }] of Object.entries(cases)) {
    it(`${name}: ${reason}`, () => {
      const shares = split(...percents);
      const result = partsOf(total, shares);
      assert.deepEqual(
        shares.map(({ revision }) => result.get(revision)),
        parts,
      );
    });
  }

  it('always sums up to the whole, with one at least for each share where there are enough', () => {
    const percents = fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(percents, fc.integer({ min: 0, max: 2000 }), (given, total) => {
        fc.pre(given.some((percent) => percent > 0));
        const shares = split(...given);
        const parts = partsOf(total, shares);
        const sum = [...parts.values()].reduce((all, part) => all + part, 0);
        assert.equal(sum, total);
        const whole = given.reduce((all, percent) => all + percent, 0);
        for (const { revision, percent } of shares) {
          const part = parts.get(revision) ?? 0;
          if (percent === 0) assert.equal(part, 0);
          else if (total >= parts.size) assert.ok(part >= 1, `${revision} has ${part}`);
          const exact = (total * percent) / whole;
          // Lifting others to one takes at most one for each of them.
          assert.ok(part > exact - 1 - parts.size && part < exact + 1 + 1e-9, `${part} for ${exact}`);
        }
      }),
    );
  });

  it('does not depend on the order of the shares', () => {
    const percents = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 2, maxLength: 6 });
    fc.assert(
      fc.property(percents, fc.integer({ min: 0, max: 50 }), (given, total) => {
        const shares = split(...given);
        const there = Object.fromEntries(partsOf(total, shares));
        assert.deepEqual(Object.fromEntries(partsOf(total, shares.toReversed())), there);
      }),
    );
  });
});
