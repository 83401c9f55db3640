import assert from 'node:assert/strict';
import { queueLimitMs, StartTimes } from '../control/startTimes.ts';
import { ThreadScaling } from '../control/threadScaling.ts';

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
      reason: 'the duration is unknown, so the start limit counts',
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

describe('ThreadScaling', () => {
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
      const scaling = new ThreadScaling(3);
      assert.deepEqual(
        seconds.map((utilization) => scaling.another(utilization)),
        want,
      );
    });
  }
});
