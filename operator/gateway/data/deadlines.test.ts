import assert from 'node:assert/strict';
import fc from 'fast-check';
import { until } from '../../testing/until.ts';
import { clock } from '../shared/clock.ts';
import { Deadlines, type Timed } from './deadlines.ts';

const timed = (expired: () => void): Timed => ({
  expiresAt: 0,
  earlier: undefined,
  later: undefined,
  deadlineList: undefined,
  expired,
});

describe('Deadlines', () => {
  it('expire each once, when its time has passed and not before', async () => {
    const log: string[] = [];
    const deadlines = new Deadlines();
    const now = clock();
    const [long, short, removed] = ['long', 'short', 'removed'].map((name) => timed(() => log.push(name)));
    deadlines.add(long as Timed, 150, now);
    deadlines.add(short as Timed, 20, now);
    deadlines.add(removed as Timed, 20, now);
    deadlines.remove(removed as Timed);
    await until('the short one', () => log.length === 1);
    assert.ok(clock() - now < 150);
    await until('the long one', () => log.length === 2);
    assert.ok(clock() - now >= 150);
    assert.deepEqual([log, deadlines.size], [['short', 'long'], 0]);
  });

  it('reject an item that has a deadline already, which would link it to itself', () => {
    const deadlines = new Deadlines();
    const item = timed(() => {});
    deadlines.add(item, 10, 0);
    assert.throws(() => deadlines.add(item, 10, 0), /has a deadline already/);
    deadlines.remove(item);
    deadlines.remove(item);
    assert.equal(deadlines.size, 0);
  });

  it('let the others expire when one of them throws', () => {
    const errors: unknown[] = [];
    const log: string[] = [];
    const deadlines = new Deadlines((error) => errors.push(error));
    const broken = new Error('broken');
    deadlines.add(
      timed(() => {
        throw broken;
      }),
      10,
      0,
    );
    deadlines.add(
      timed(() => log.push('other')),
      10,
      0,
    );
    deadlines.tick(10);
    assert.deepEqual([errors, log, deadlines.size], [[broken], ['other'], 0]);
  });

  it('expire exactly those that are due, whatever is added, removed and added again', () => {
    const DURATIONS = [10, 20, 50];
    const step = fc.oneof(
      fc.record({
        kind: fc.constant('add' as const),
        item: fc.nat(7),
        duration: fc.constantFrom(...DURATIONS),
      }),
      fc.record({ kind: fc.constant('remove' as const), item: fc.nat(7) }),
      fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(30) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const deadlines = new Deadlines();
        const due = new Map<number, number>();
        const expired: number[] = [];
        const items = Array.from({ length: 8 }, (_, i) => timed(() => expired.push(i)));
        let now = 0;
        for (const one of steps) {
          if (one.kind === 'pass') {
            now += one.ms;
            deadlines.tick(now);
            const wanted = [...due].filter(([, at]) => at <= now).map(([item]) => item);
            assert.deepEqual(expired.splice(0).sort(), wanted.sort());
            for (const item of wanted) due.delete(item);
          } else {
            deadlines.remove(items[one.item] as Timed);
            due.delete(one.item);
            if (one.kind === 'remove') continue;
            deadlines.add(items[one.item] as Timed, one.duration, now);
            due.set(one.item, now + one.duration);
          }
          assert.equal(deadlines.size, due.size);
        }
        for (const item of items) deadlines.remove(item);
      }),
    );
  });
});
