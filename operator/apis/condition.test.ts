import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Condition, mergeConditions, readyOf } from './condition.ts';

const NOW = Date.parse('2026-05-01T12:00:00.789Z');
const yes = (type: string): Condition => ({ type, status: 'True' });
const no = (type: string, reason: string): Condition => ({
  type,
  status: 'False',
  reason,
  message: `${reason}.`,
});
const maybe = (type: string, reason: string): Condition => ({
  type,
  status: 'Unknown',
  reason,
  message: `${reason}.`,
});

const READY: Record<string, { conditions: Condition[]; ready: Condition; reason: string }> = {
  'all true': { conditions: [yes('A'), yes('B')], ready: yes('Ready'), reason: 'nothing is missing' },
  'one unknown': {
    conditions: [yes('A'), maybe('B', 'Slow')],
    ready: maybe('Ready', 'Slow'),
    reason: 'it is not known yet',
  },
  'false behind unknown': {
    conditions: [maybe('A', 'Slow'), no('B', 'Broken')],
    ready: no('Ready', 'Broken'),
    reason: 'a failure is final whatever comes',
  },
  'two false': {
    conditions: [no('B', 'First'), no('A', 'Second')],
    ready: no('Ready', 'First'),
    reason: 'the order given decides, not the alphabet',
  },
  'false for information': {
    conditions: [yes('A'), { ...no('Active', 'NoTraffic'), severity: 'Info' }],
    ready: yes('Ready'),
    reason: 'Info leaves Ready alone',
  },
};

describe('condition', () => {
  for (const [name, { conditions, ready, reason }] of Object.entries(READY)) {
    it(`sums up ${name}: ${reason}`, () => assert.deepEqual(readyOf(conditions), ready));
  }

  it('puts Ready first and the others by type', () => {
    const merged = mergeConditions([], [yes('B'), yes('Ready'), yes('A')], NOW);
    assert.deepEqual(
      merged.map(({ type }) => type),
      ['Ready', 'A', 'B'],
    );
  });

  it('notes to the second when a status changed', () => {
    assert.equal(mergeConditions(undefined, [yes('A')], NOW)[0]?.lastTransitionTime, '2026-05-01T12:00:00Z');
  });

  it('keeps the time while only reason and message change', () => {
    const before = mergeConditions([], [maybe('A', 'Slow')], NOW);
    const [after] = mergeConditions(before, [maybe('A', 'Slower')], NOW + 60_000);
    assert.equal(after?.lastTransitionTime, before[0]?.lastTransitionTime);
    assert.equal(after?.reason, 'Slower');
  });

  it('takes the time anew when the status changes', () => {
    const before = mergeConditions([], [maybe('A', 'Slow')], NOW);
    const [after] = mergeConditions(before, [yes('A')], NOW + 60_000);
    assert.equal(after?.lastTransitionTime, '2026-05-01T12:01:00Z');
    assert.equal(after?.reason, undefined);
  });

  it('writes the same bytes for the same state, whenever and in whatever order', () => {
    const condition = fc.record({
      type: fc.constantFrom('Ready', 'A', 'B', 'C'),
      status: fc.constantFrom<Condition['status']>('True', 'False', 'Unknown'),
      reason: fc.option(fc.constantFrom('X', 'Y'), { nil: undefined }),
    });
    const list = fc.uniqueArray(condition, { selector: ({ type }) => type });
    fc.assert(
      fc.property(list, (conditions) => {
        const once = mergeConditions([], conditions, NOW);
        const again = mergeConditions(once, conditions.toReversed(), NOW + 1_000_000);
        assert.equal(JSON.stringify(again), JSON.stringify(once));
      }),
    );
  });
});
