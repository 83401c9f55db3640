import assert from 'node:assert/strict';
import { checkStatsReport, type RevisionStatsReport, type StatsReport } from './statsReport.ts';

const row = (changes: Partial<RevisionStatsReport> = {}): RevisionStatsReport => ({
  requests: 0,
  concurrencyMs: 0,
  inFlight: 0,
  queued: 0,
  lastRequestAt: 0,
  instances: {},
  ...changes,
});

const stats = (now: number, start: number, changes?: Partial<RevisionStatsReport>): StatsReport => ({
  now,
  instance: { start },
  revisions: changes ? { 'n/a': row(changes) } : {},
});

describe('checkStatsReport', () => {
  it('takes what a gateway answers', () => {
    const answer: StatsReport = { ...stats(1, 2, { instances: { p: 1 } }), at: 3, partial: false };
    assert.equal(checkStatsReport(answer), answer);
  });

  const cases: Record<string, { body: unknown; message: RegExp }> = {
    'no object': { body: 'ok', message: /the answer is "ok"/ },
    'no clock': { body: { instance: { start: 1 }, revisions: {} }, message: /now is undefined/ },
    'no start': { body: { now: 1, instance: {}, revisions: {} }, message: /instance.start is undefined/ },
    'no row': { body: { ...stats(1, 1), revisions: { 'n/a': 3 } }, message: /n\/a is 3/ },
    'no number': {
      body: { ...stats(1, 1), revisions: { 'n/a': { ...row(), queued: null } } },
      message: /n\/a: queued is null/,
    },
    'no count': {
      body: { ...stats(1, 1), revisions: { 'n/a': { ...row(), instances: { p: '1' } } } },
      message: /instances.p is "1"/,
    },
  };
  for (const [name, { body, message }] of Object.entries(cases)) {
    it(`rejects ${name}`, () => {
      assert.throws(() => checkStatsReport(body), { code: 'GATEWAY_STATS_INVALID', message });
    });
  }
});
