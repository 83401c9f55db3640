import assert from 'node:assert/strict';
import { until } from '../../testing/until.ts';
import { clock } from '../shared/clock.ts';
import { every, Heartbeats, LagPeak, startHeart } from '../shared/heartbeat.ts';
import { heapLimitMb, RestartDelay, Watchdog } from './supervision.ts';

describe('Watchdog', () => {
  interface Case {
    reason: string;
    /** Beats that each look sees, and how late it is in ms. */
    looks: [beats: number, lateMs: number][];
    want: boolean;
  }
  const looks = (count: number, beats: (i: number) => number, lateMs = 0): Case['looks'] =>
    Array.from({ length: count }, (_, i) => [beats(i), lateMs]);
  const tables: Record<string, Case> = {
    beating: { reason: 'the event loop turns', looks: looks(100, (i) => i), want: false },
    slow: {
      reason: 'a beat every four seconds is late, but the loop turns',
      looks: looks(100, (i) => Math.floor(i / 8)),
      want: false,
    },
    'silent for less than 5 s': { reason: 'it may go on', looks: looks(10, () => 7), want: false },
    'silent for 5 s': { reason: 'it will not go on', looks: looks(11, () => 7), want: true },
    'seen late': {
      reason: 'the control thread was stuck itself, and maybe the whole process',
      looks: looks(100, () => 7, 300),
      want: false,
    },
    'wrapped around': {
      reason: 'any change is a beat',
      looks: looks(100, (i) => (i % 2 === 0 ? 2 ** 31 - 1 : -(2 ** 31))),
      want: false,
    },
  };
  for (const [name, { reason, looks: seen, want }] of Object.entries(tables)) {
    it(`${name}: ${reason}`, () => {
      const watchdog = new Watchdog();
      const found = seen.map(([beats, lateMs]) => watchdog.stuck(0, beats, lateMs));
      assert.equal(found.includes(true), want);
    });
  }

  it('counts a replacement’s beats afresh, and each thread’s on their own', () => {
    const watchdog = new Watchdog();
    for (let i = 0; i < 10; i++) {
      assert.equal(watchdog.stuck(0, 7, 0), false);
      assert.equal(watchdog.stuck(1, i, 0), false);
    }
    assert.deepEqual([watchdog.silentMs(0), watchdog.silentMs(1)], [4500, 0]);
    watchdog.forget(0);
    assert.equal(watchdog.silentMs(0), 0);
    assert.equal(watchdog.stuck(0, 7, 0), false);
  });
});

describe('RestartDelay', () => {
  it('doubles from 100 ms to 10 s', () => {
    const delay = new RestartDelay();
    assert.deepEqual(
      Array.from({ length: 9 }, () => delay.next(0)),
      [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000],
    );
  });

  it('starts afresh when a thread has listened for 10 s', () => {
    const delay = new RestartDelay();
    for (let i = 0; i < 9; i++) delay.next(0);
    assert.equal(delay.next(9999), 10_000);
    assert.deepEqual([delay.next(10_000), delay.next(0)], [100, 200]);
  });
});

describe('heapLimitMb', () => {
  const tables: Record<string, { memoryMb: number; threads: number; want: number }> = {
    'together they stay under 60 % of the memory': { memoryMb: 1024, threads: 2, want: 307 },
    'more threads share it': { memoryMb: 1024, threads: 4, want: 153 },
    'a thread needs some': { memoryMb: 256, threads: 4, want: 128 },
    'no thread needs more': { memoryMb: 64 * 1024, threads: 2, want: 2048 },
    'the limit is unknown': { memoryMb: 0, threads: 2, want: 2048 },
  };
  for (const [name, { memoryMb, threads, want }] of Object.entries(tables)) {
    it(name, () => assert.equal(heapLimitMb(memoryMb * 2 ** 20, threads), want));
  }
});

describe('LagPeak', () => {
  it('is seen for 30 s at least and 60 s at most', () => {
    const peak = new LagPeak(0);
    assert.equal(peak.add(700, 29_000), 700);
    assert.equal(peak.add(3, 30_500), 700);
    assert.equal(peak.add(5, 59_000), 700);
    assert.equal(peak.add(1, 60_500), 5);
  });

  it('is forgotten when the loop was stuck for longer', () => {
    const peak = new LagPeak(0);
    peak.add(700, 1000);
    assert.equal(peak.add(89_500, 91_000), 89_500);
  });
});

describe('Heartbeats', () => {
  it('show that the event loop turns, and how late it was', async () => {
    const heartbeats = Heartbeats.create(2);
    startHeart(heartbeats, 1);
    await until('it beats', () => heartbeats.beats(1) > 0);
    const end = clock() + 800;
    while (clock() < end);
    await until('it beats again', () => heartbeats.lagMs(1) >= 250);
    assert.equal(heartbeats.beats(0), 0);
  });

  it('clear the row of a thread’s predecessor', () => {
    const heartbeats = Heartbeats.create(2);
    for (const thread of [0, 1]) {
      heartbeats.beat(thread, 12.4);
      heartbeats.fatal(thread, 'unhandledRejection');
    }
    heartbeats.reset(0);
    const seen = (thread: number) => [
      heartbeats.beats(thread),
      heartbeats.lagMs(thread),
      heartbeats.fatalOrigin(thread),
    ];
    assert.deepEqual(seen(0), [0, 0, undefined]);
    assert.deepEqual(seen(1), [1, 12, 'unhandledRejection']);
  });

  it('report how late a timer is, and keep nothing alive', async () => {
    const late: number[] = [];
    const timer = every((lateMs) => late.push(lateMs));
    assert.equal(timer.hasRef(), false);
    await until('two looks', () => late.length === 2);
    clearInterval(timer);
    assert.ok(late.every((ms) => ms >= 0));
  });
});
