import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { Container } from '../../apis/serving/container/types.ts';
import { startOrder, taskOrder } from './order.ts';

const containers = (...names: string[]) => names.map((name) => ({ name, image: 'a' }) as Container);
const names = (list: Container[]) => list.map(({ name }) => name);

const CASES: Record<
  string,
  { reason: string; all: string[]; waits: Record<string, string[]>; first: string[]; last: string[] }
> = {
  none: {
    reason: 'without an order all start together',
    all: ['app', 'side'],
    waits: {},
    first: [],
    last: ['app', 'side'],
  },
  'a proxy before the app': {
    reason: 'what the app waits for starts first',
    all: ['app', 'proxy'],
    waits: { app: ['proxy'] },
    first: ['proxy'],
    last: ['app'],
  },
  'a collector after the app': {
    reason: 'the app itself may be what others wait for',
    all: ['app', 'collector'],
    waits: { collector: ['app'] },
    first: ['app'],
    last: ['collector'],
  },
  chain: {
    reason: 'each starts after all that it waits for, however they are listed',
    all: ['c', 'b', 'a', 'free'],
    waits: { c: ['b'], b: ['a'] },
    first: ['a', 'b'],
    last: ['c', 'free'],
  },
  cycle: {
    reason: 'a cycle that slipped through does not hang: all start together',
    all: ['a', 'b'],
    waits: { a: ['b'], b: ['a'] },
    first: [],
    last: ['a', 'b'],
  },
};

describe('taskOrder', () => {
  it('leaves one container that is no sidecar: the first that no other waits for', () => {
    const order = (all: string[], waits: Record<string, string[]>) => {
      const { first, last } = taskOrder(containers(...all), new Map(Object.entries(waits)));
      return [names(first), names(last)];
    };
    assert.deepEqual(order(['a'], {}), [[], ['a']]);
    assert.deepEqual(order(['a', 'b', 'c'], {}), [['b', 'c'], ['a']], 'without an order: the first one');
    assert.deepEqual(order(['side', 'main'], { main: ['side'] }), [['side'], ['main']]);
    assert.deepEqual(order(['side', 'main', 'free'], { main: ['side'] }), [['side', 'free'], ['main']]);
  });
});

describe('startOrder', () => {
  for (const [name, { reason, all, waits, first, last }] of Object.entries(CASES)) {
    it(`${name}: ${reason}`, () => {
      const order = startOrder(containers(...all), new Map(Object.entries(waits)));
      assert.deepEqual({ first: names(order.first), last: names(order.last) }, { first, last });
    });
  }

  it('loses no container and never starts one before what it waits for', () =>
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.array(fc.tuple(fc.nat(7), fc.nat(7))),
        (count, pairs) => {
          const all = containers(...Array.from({ length: count }, (_, i) => `c${i}`));
          const waits = new Map<string, string[]>();
          // Waiting only for lower numbers leaves no cycle.
          for (const [a, b] of pairs) {
            if (a >= count || b >= a) continue;
            waits.set(`c${a}`, [...(waits.get(`c${a}`) ?? []), `c${b}`]);
          }
          const { first, last } = startOrder(all, waits);
          const sequence = [...names(first), ...names(last)];
          assert.deepEqual([...sequence].sort(), names(all).sort());
          for (const [who, earlier] of waits) {
            for (const before of earlier) assert.ok(sequence.indexOf(before) < sequence.indexOf(who));
          }
        },
      ),
    ));
});
