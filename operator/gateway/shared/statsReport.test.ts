import assert from 'node:assert/strict';
import { revisionReport, statsReport } from '../testing/statsReport.ts';
import { checkStatsReport, type StatsReport } from './statsReport.ts';

describe('checkStatsReport', () => {
  it('takes what a gateway answers', () => {
    const answer: StatsReport = { ...statsReport(1, 2, { instances: { p: 1 } }), at: 3, partial: false };
    assert.equal(checkStatsReport(answer), answer);
  });

  const cases: Record<string, { body: unknown; message: RegExp }> = {
    'no object': { body: 'ok', message: /the answer is "ok"/ },
    'no clock': { body: { instance: { start: 1 }, revisions: {} }, message: /now is undefined/ },
    'no start': { body: { now: 1, instance: {}, revisions: {} }, message: /instance.start is undefined/ },
    'no row': { body: { ...statsReport(1, 1), revisions: { 'n/a': 3 } }, message: /n\/a is 3/ },
    'no number': {
      body: { ...statsReport(1, 1), revisions: { 'n/a': { ...revisionReport(), queued: null } } },
      message: /n\/a: queued is null/,
    },
    'no count': {
      body: { ...statsReport(1, 1), revisions: { 'n/a': { ...revisionReport(), instances: { p: '1' } } } },
      message: /instances.p is "1"/,
    },
  };
  for (const [name, { body, message }] of Object.entries(cases)) {
    it(`rejects ${name}`, () => {
      assert.throws(() => checkStatsReport(body), { code: 'GATEWAY_STATS_INVALID', message });
    });
  }
});
