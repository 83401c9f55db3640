import assert from 'node:assert/strict';
import { pod } from '../testing/serving.ts';
import { hasEnded, stoppedAt } from './pod.ts';

describe('hasEnded', () => {
  it('is what can never run again', () => {
    assert.ok(hasEnded(pod({}, { phase: 'Failed' })));
    assert.ok(hasEnded(pod({}, { phase: 'Succeeded' })));
    assert.ok(!hasEnded(pod({}, { phase: 'Running' })));
  });
});

const AT = '2026-01-02T03:04:05Z';
const LATER = '2026-01-02T03:04:09Z';
const running = { running: { startedAt: AT } };
const ended = (finishedAt: string | undefined) => ({ terminated: { exitCode: 137, finishedAt } });
const waiting = { waiting: { reason: 'CrashLoopBackOff' } };

describe('stoppedAt', () => {
  const cases: Record<string, { reason: string; statuses: object[]; at: string | undefined }> = {
    'all have ended': {
      reason: 'the last end counts',
      statuses: [{ state: ended(AT) }, { state: ended(LATER) }],
      at: LATER,
    },
    'it waits to be started again': {
      reason: 'the last run has ended, and the next has not begun',
      statuses: [{ state: waiting, lastState: ended(AT) }],
      at: AT,
    },
    'it was started again': {
      reason: 'a process runs',
      statuses: [{ state: running, lastState: ended(AT) }],
      at: undefined,
    },
    'one of two runs': {
      reason: 'a process runs',
      statuses: [{ state: ended(AT) }, { state: running }],
      at: undefined,
    },
    'it has never run': {
      reason: 'the container may be about to be started',
      statuses: [{ state: waiting }],
      at: undefined,
    },
    'the kubelet does not say when': {
      reason: 'a runtime may have forgotten the container',
      statuses: [{ state: ended(undefined) }],
      at: undefined,
    },
    'the kubelet has said nothing': { reason: 'nothing is known', statuses: [], at: undefined },
  };
  for (const [name, { reason, statuses, at }] of Object.entries(cases)) {
    it(`${name}: ${reason}`, () => {
      const containerStatuses = statuses.map((status) => ({ name: 'app', ...status }));
      const given = pod({}, { phase: 'Running', containerStatuses } as Parameters<typeof pod>[1]);
      assert.equal(stoppedAt(given), at && Date.parse(at));
    });
  }
});
