import assert from 'node:assert/strict';
import { until } from '../testing/until.ts';
import { clock } from './clock.ts';
import { Deadlines, type Timed } from './deadlines.ts';
import { Growth } from './growth.ts';
import { queueLimitMs, StartTimes } from './startTimes.ts';

describe('queueLimitMs', () => {
  const tables: Record<string, { reason: string; average?: number; starting: boolean; want: number }> = {
    'fast starts': {
      reason: 'container contract, Startup: ten seconds at least',
      average: 400,
      starting: true,
      want: 10_000,
    },
    'slow starts': { reason: '3.5 times their average', average: 20_000, starting: false, want: 70_000 },
    'first start': {
      reason: 'nobody knows how long, so its own limit counts',
      starting: true,
      want: 240_000,
    },
    'none is coming': { reason: 'there is nothing to wait longer for', starting: false, want: 10_000 },
  };
  for (const [name, { reason, average, starting, want }] of Object.entries(tables)) {
    it(`${name}: ${reason}`, () => assert.equal(queueLimitMs(average, starting, 240_000), want));
  }

  it('forgets old starts', () => {
    const times = new StartTimes();
    assert.equal(times.averageMs, undefined);
    times.add(1_000_000);
    for (let i = 0; i < 20; i++) times.add(100);
    assert.equal(times.averageMs, 100);
  });
});

describe('Growth', () => {
  const tables: Record<string, { reason: string; seconds: number[][]; want: boolean[] }> = {
    idle: { reason: 'one thread is enough', seconds: [[0.1], [0.2], [0.1]], want: [false, false, false] },
    spike: {
      reason: 'a second of compiling is no load',
      seconds: [[1], [0.1], [1]],
      want: [false, false, false],
    },
    busy: { reason: 'two seconds of load are', seconds: [[0.9], [0.9], [0.9]], want: [false, true, false] },
    'one of two': {
      reason: 'the other has room',
      seconds: [
        [1, 0.1],
        [1, 0.1],
      ],
      want: [false, false],
    },
    most: {
      reason: 'there are no more',
      seconds: [
        [1, 1, 1],
        [1, 1, 1],
      ],
      want: [false, false],
    },
  };
  for (const [name, { reason, seconds, want }] of Object.entries(tables)) {
    it(`${name}: ${reason}`, () => {
      const growth = new Growth(3);
      assert.deepEqual(
        seconds.map((utilization) => growth.another(utilization)),
        want,
      );
    });
  }
});

describe('Deadlines', () => {
  const timed = (log: string[], name: string): Timed => ({
    expiresAt: 0,
    earlier: undefined,
    later: undefined,
    deadlineList: undefined,
    expired: () => log.push(name),
  });

  it('tell each once, when its time has passed and not before', async () => {
    const log: string[] = [];
    const deadlines = new Deadlines();
    const now = clock();
    const [long, short, removed] = [timed(log, 'long'), timed(log, 'short'), timed(log, 'removed')];
    deadlines.add(long, 150, now);
    deadlines.add(short, 20, now);
    deadlines.add(removed, 20, now);
    deadlines.remove(removed);
    await until('the short one', () => log.length === 1);
    assert.ok(clock() - now < 150);
    await until('the long one', () => log.length === 2);
    assert.ok(clock() - now >= 150);
    assert.deepEqual([log, deadlines.size], [['short', 'long'], 0]);
  });

  it('may be removed from any place in the list, and twice', async () => {
    const log: string[] = [];
    const deadlines = new Deadlines();
    const items = ['a', 'b', 'c', 'd'].map((name) => timed(log, name));
    for (const item of items) deadlines.add(item, 10, clock());
    for (const i of [1, 0, 3, 1]) deadlines.remove(items[i] as Timed);
    assert.equal(deadlines.size, 1);
    await until('the one that is left', () => log.length > 0);
    assert.deepEqual(log, ['c']);
  });
});
