import assert from 'node:assert/strict';
import type { DrainOrders } from '../shared/drainProtocol.ts';
import { Stats } from '../shared/stats.ts';
import { type CountSources, StatsReporter } from './report.ts';

/** Of a request that was never sent. */
const stages = (arrivedAt: number) => ({ arrivedAt, queuedMs: 0, sentAt: 0, answeredAt: 0 });

describe('StatsReporter', () => {
  let stats: Stats;
  let reporter: StatsReporter;
  let now: number;

  beforeEach(() => {
    now = 10_000;
    stats = Stats.create(2);
    const entries = new Map(['a', 'b', 'c'].map((name, index) => [`n/${name}`, { index }]));
    const control = {
      stats,
      table: { entries },
      slots: { inFlight: () => 0 },
      instances: { of: () => [] },
      drains: { take: () => ({}) },
    };
    reporter = new StatsReporter(control as unknown as CountSources, () => now);
  });

  const orders: DrainOrders = { term: 1, round: 1, instances: {} };
  const names = ({ revisions }: { revisions: object }) => Object.keys(revisions);
  let known: DrainOrders['known'];
  /** Polls as the autoscaler does, a second after the last time. */
  const ask = (start?: number) => {
    now += 1_000;
    const answer = reporter.report({ ...orders, known: known && { ...known, ...(start ? { start } : {}) } });
    known = { start: answer.instance.start, at: answer.at as number };
    return answer;
  };
  /** Polls until no change is repeated any more. */
  const poll = () => {
    known = undefined;
    for (let round = 0; round < 5; round++) ask();
  };

  it('reports all revisions to an autoscaler that has no report yet', () => {
    poll();
    const { partial, revisions } = reporter.report(orders);
    assert.deepEqual([partial, Object.keys(revisions)], [false, ['n/a', 'n/b', 'n/c']]);
  });

  it('leaves out what has not changed since the report that is named', () => {
    poll();
    const { partial, revisions } = ask();
    assert.deepEqual([partial, revisions], [true, {}]);
  });

  it('reports what has changed, on whichever thread, and again for two seconds', () => {
    poll();
    stats.writer(1).begin(1, now);
    stats.writer(1).end(1, stages(now), now + 5, 200);
    const reported = Array.from({ length: 5 }, () => names(ask()));
    assert.deepEqual(reported, [['n/b'], ['n/b'], ['n/b'], ['n/b'], []]);
  });

  it('reports what changed while another client polled', () => {
    poll();
    stats.writer(0).begin(0, now);
    stats.writer(0).end(0, stages(now), now + 5, 200);
    for (let second = 0; second < 10; second++) {
      now += 1_000;
      reporter.report();
    }
    assert.deepEqual(names(ask()), ['n/a']);
  });

  it('reports a revision with requests each time, since their duration grows, and their end', () => {
    poll();
    const startedAt = now;
    stats.writer(0).begin(2, startedAt);
    for (let round = 1; round <= 5; round++) {
      const { inFlight, concurrencyMs } = ask().revisions['n/c'] ?? {};
      assert.deepEqual([inFlight, concurrencyMs], [1, round * 1_000]);
    }
    stats.writer(0).end(2, stages(startedAt), now + 500, 200);
    const { inFlight, concurrencyMs } = ask().revisions['n/c'] ?? {};
    assert.deepEqual([inFlight, concurrencyMs], [0, 5_500]);
  });

  it('reports all to an autoscaler that has the report of an earlier process', () => {
    poll();
    const { partial, revisions } = ask(1);
    assert.deepEqual([partial, Object.keys(revisions).length], [false, 3]);
  });
});
