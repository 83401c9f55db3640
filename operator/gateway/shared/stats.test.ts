import assert from 'node:assert/strict';
import fc from 'fast-check';
import { bucketOf } from './histograms.ts';
import { ERROR_CAUSES, LATENCY_PARTS, Stats } from './stats.ts';

describe('the time of a request', () => {
  const parts = (stages: { queuedMs: number; sentAt: number; answeredAt: number }) => {
    const stats = Stats.create(1);
    stats.writer(0).begin(0, 1000);
    stats.writer(0).end(0, { arrivedAt: 1000, ...stages }, 2000, 200);
    const { parts } = stats.read(0, 2000);
    return Object.fromEntries(LATENCY_PARTS.map((part, i) => [part, parts[i]]));
  };
  const CASES = {
    answered: {
      reason: 'each stage ends where the next begins',
      stages: { queuedMs: 300, sentAt: 1310, answeredAt: 1900 },
      parts: { queue: 300, gateway: 10, upstream: 590, response: 100 },
    },
    'not answered': {
      reason: 'the instance had it until its deadline',
      stages: { queuedMs: 0, sentAt: 1001, answeredAt: 0 },
      parts: { queue: 0, gateway: 1, upstream: 999, response: 0 },
    },
    'never sent': {
      reason: 'it was rejected after it had waited',
      stages: { queuedMs: 995, sentAt: 0, answeredAt: 0 },
      parts: { queue: 995, gateway: 5, upstream: 0, response: 0 },
    },
  };
  for (const [name, { reason, stages, parts: want }] of Object.entries(CASES)) {
    it(`${name}: ${reason}`, () => assert.deepEqual(parts(stages), want));
  }

  it('is the sum of its parts, over all threads', () => {
    const durations = fc.tuple(fc.nat(5000), fc.nat(5000), fc.nat(5000), fc.nat(5000));
    fc.assert(
      fc.property(fc.array(durations, { maxLength: 20 }), (requests) => {
        const stats = Stats.create(3);
        requests.forEach(([queuedMs, gateway, upstream, response], i) => {
          const sentAt = 1 + queuedMs + gateway;
          const answeredAt = sentAt + upstream;
          const writer = stats.writer(i % 3);
          writer.begin(7, 1);
          writer.end(7, { arrivedAt: 1, queuedMs, sentAt, answeredAt }, answeredAt + response, 200);
        });
        const { parts, latencySumMs } = stats.read(7, 0);
        const sums = [0, 1, 2, 3].map((i) =>
          requests.reduce((sum, request) => sum + (request[i] as number), 0),
        );
        assert.deepEqual(parts, sums);
        assert.equal(
          latencySumMs,
          sums.reduce((sum, part) => sum + part, 0),
        );
      }),
    );
  });

  it('of a client that left counts nowhere, as in the histogram of durations', () => {
    const stats = Stats.create(1);
    stats.writer(0).begin(0, 1000);
    stats.writer(0).end(0, { arrivedAt: 1000, queuedMs: 5, sentAt: 1005, answeredAt: 0 }, 2000, 0);
    const { parts, latencySumMs } = stats.read(0, 2000);
    assert.deepEqual([parts, latencySumMs], [[0, 0, 0, 0], 0]);
  });
});

describe('errors of a revision', () => {
  it('are counted by cause, and go with the revision', () => {
    const stats = Stats.create(2);
    stats.writer(0).failed(3, 'deadline');
    stats.writer(1).failed(3, 'deadline');
    stats.writer(1).failed(3, 'response_broken');
    const found = () => ERROR_CAUSES.flatMap((cause, i) => (stats.read(3, 0).errors[i] ? [cause] : []));
    assert.deepEqual(found(), ['deadline', 'response_broken']);
    assert.equal(stats.read(3, 0).errors[ERROR_CAUSES.indexOf('deadline')], 2);
    assert.deepEqual(
      stats.read(2, 0).errors,
      ERROR_CAUSES.map(() => 0),
    );
    stats.clear(3);
    assert.deepEqual(found(), []);
  });
});

describe('Histograms', () => {
  it('adds up all threads, each duration in the first bucket that holds it', () => {
    const stats = Stats.create(2);
    const { histograms } = stats;
    const [first, second] = [stats.writer(0).histograms, stats.writer(1).histograms];
    first.waited(5);
    second.waited(5.1);
    second.waited(1e6);
    first.answered(0.2, 40);
    const wait = histograms.read('wait');
    assert.deepEqual([wait.counts[0], wait.counts[1], wait.counts.at(-1)], [1, 1, 1]);
    assert.equal(wait.sum, 1e6 + 10.1);
    for (const [name, ms] of [
      ['overhead', 0.2],
      ['upstream', 40],
    ] as const) {
      const { bounds, counts, sum } = histograms.read(name);
      assert.equal(counts.length, bounds.length + 1);
      assert.deepEqual([counts[bucketOf(bounds, ms)], sum], [1, ms], name);
    }
  });

  it('finds the bucket of any duration', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 100, noNaN: true }), (ms) => {
        const bounds = [1, 2.5, 50];
        const bucket = bucketOf(bounds, ms);
        assert.ok(bucket === bounds.length || ms <= (bounds[bucket] as number));
        assert.ok(bucket === 0 || ms > (bounds[bucket - 1] as number));
      }),
    );
  });
});
