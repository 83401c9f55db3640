import assert from 'node:assert/strict';
import type { StatsReport } from '../gateway/shared/statsReport.ts';
import { statsReport } from '../gateway/testing/statsReport.ts';
import { addLoad, loadsBetween } from './load.ts';

describe('loadsBetween', () => {
  const cases: Record<
    string,
    { before?: StatsReport; after: StatsReport; mean: number; lastRequestAt: number; reason: string }
  > = {
    'two answers': {
      before: statsReport(1000, 1, { concurrencyMs: 500 }),
      after: statsReport(3000, 1, { concurrencyMs: 8500, inFlight: 1 }),
      mean: 4,
      lastRequestAt: 50_000,
      reason: '8,000 request-milliseconds in 2 seconds',
    },
    'first answer': {
      after: statsReport(3000, 1, { concurrencyMs: 8_000_000, inFlight: 2, queued: 3 }),
      mean: 5,
      lastRequestAt: 50_000,
      reason: 'without a difference, the requests of the moment',
    },
    'gateway restarted': {
      before: statsReport(1000, 1, { concurrencyMs: 1000 }),
      after: statsReport(3000, 2, { concurrencyMs: 90_000, inFlight: 1 }),
      mean: 1,
      lastRequestAt: 50_000,
      reason: 'counters of another process cannot be compared',
    },
    'row opened anew': {
      before: statsReport(1000, 1, { requests: 40, concurrencyMs: 90_000 }),
      after: statsReport(2000, 1, { requests: 1, concurrencyMs: 500 }),
      mean: 0.5,
      lastRequestAt: 50_000,
      reason: 'the gateway had dropped it: it counts from zero',
    },
    'integral a trifle smaller': {
      before: statsReport(1000, 1, { requests: 40, concurrencyMs: 90_000 }),
      after: statsReport(2000, 1, { requests: 41, concurrencyMs: 89_999.999, inFlight: 1 }),
      mean: 0,
      lastRequestAt: 50_000,
      reason: 'a request that came while the clock was read is no restart',
    },
    'new row': {
      before: statsReport(1000, 1),
      after: statsReport(2000, 1, { concurrencyMs: 250 }),
      mean: 0.25,
      lastRequestAt: 50_000,
      reason: 'it counts from zero',
    },
    'clock set back': {
      before: statsReport(9000, 1, { concurrencyMs: 500 }),
      after: statsReport(2000, 1, { concurrencyMs: 800, inFlight: 2 }),
      mean: 2,
      lastRequestAt: 50_000,
      reason: 'no time has passed by the gateway: the requests of the moment',
    },
    'clock set back by less than has passed': {
      before: { ...statsReport(9000, 1, { concurrencyMs: 500 }), at: 70_000 },
      after: { ...statsReport(9010, 1, { concurrencyMs: 10_500, inFlight: 10 }), at: 71_000 },
      mean: 10,
      lastRequestAt: 50_000,
      reason: 'ten requests for a second are no thousand for ten milliseconds, whatever the time of day',
    },
    'clock set forward': {
      before: { ...statsReport(9000, 1, { concurrencyMs: 500 }), at: 70_000 },
      after: { ...statsReport(3_610_000, 1, { concurrencyMs: 10_500, inFlight: 10 }), at: 71_000 },
      mean: 10,
      lastRequestAt: 50_000,
      reason: 'nor are they none for an hour',
    },
    'first answer, quiet, of another clock': {
      after: statsReport(102_000, 1, { requests: 7, concurrencyMs: 500, lastRequestAt: 98_000 }),
      mean: 0,
      lastRequestAt: 46_000,
      reason: 'the last request was four seconds before the answer, whatever the clocks say',
    },
    'first answer, of a clock set back': {
      after: statsReport(90_000, 1, { requests: 7, concurrencyMs: 500, lastRequestAt: 98_000 }),
      mean: 0,
      lastRequestAt: 50_000,
      reason: 'no request comes from the time to come',
    },
    'too short to measure': {
      before: statsReport(1000, 1, { requests: 7, concurrencyMs: 500, lastRequestAt: 900 }),
      after: statsReport(2000, 1, { requests: 8, concurrencyMs: 500, lastRequestAt: 1500 }),
      mean: 0,
      lastRequestAt: 50_000,
      reason: 'a request that took no time is a request',
    },
  };
  for (const [name, { before, after, mean, lastRequestAt, reason }] of Object.entries(cases)) {
    it(name, () => {
      const load = loadsBetween(before, after, 50_000).get('n/a');
      assert.deepEqual([load?.mean, load?.lastRequestAt], [mean, lastRequestAt], reason);
    });
  }

  it('leaves out what had no request', () => {
    const quiet = { requests: 7, concurrencyMs: 500, lastRequestAt: 900 };
    assert.equal(loadsBetween(statsReport(1000, 1, quiet), statsReport(2000, 1, quiet), 50_000).size, 0);
    assert.equal(
      loadsBetween(undefined, statsReport(2000, 1, {}), 50_000).size,
      0,
      'a row that was never used',
    );
  });
});

describe('addLoad', () => {
  it('sums over gateways without changing its arguments', () => {
    const one = loadsBetween(
      undefined,
      statsReport(1000, 1, { inFlight: 2, instances: { p: 1, q: 1 } }),
      5000,
    );
    const two = loadsBetween(undefined, statsReport(1000, 1, { queued: 3, instances: { p: 4 } }), 6000);
    const load = addLoad(addLoad(undefined, one.get('n/a')), two.get('n/a'));
    assert.deepEqual([load?.present, load?.mean, load?.lastRequestAt], [5, 5, 6000]);
    assert.deepEqual(
      [...(load?.instances ?? [])],
      [
        ['p', 5],
        ['q', 1],
      ],
    );
    assert.equal(one.get('n/a')?.present, 2);
    assert.equal(one.get('n/a')?.instances.get('p'), 1);
  });
});
