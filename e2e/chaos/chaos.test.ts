import assert from 'node:assert/strict';
import { Random } from '../../operator/testing/random.ts';
import type { Attempt } from '../lib/jobs.ts';
import { chosen, FAULTS } from './faults.ts';
import { violations } from './judge.ts';
import type { LostRequest, RoundRecord } from './record.ts';
import { report } from './report.ts';
import { findingsOf } from './tasks.ts';

const AT = 100_000;
const LOST: LostRequest = {
  service: 'steady',
  sentAt: AT - 20,
  failedAt: AT + 10,
  status: 'cut',
  error: 'cut Error: read ECONNRESET',
};
const KILLED_GATEWAY: RoundRecord = {
  number: 1,
  fault: 'kill gateway',
  target: 'homerun-gateway-a',
  at: AT,
  overAt: AT,
  backAt: AT + 3_000,
  settledAt: AT + 4_000,
  unsettled: [],
  lost: [],
  killsGateway: true,
  restarts: [],
  mayRestart: ['homerun-gateway-a'],
  tasks: { wrong: [], repeated: [] },
  poolShortMs: 0,
  leaderlessMs: undefined,
};

const second = (number: number): string => new Date(number * 1000).toISOString();

/** An attempt of a task that ran between these seconds. */
function attempt(index: number, pod: string, from?: number, to?: number, exitCode?: number): Attempt {
  const phase = exitCode === undefined ? 'Running' : exitCode === 0 ? 'Succeeded' : 'Failed';
  const startedAt = from === undefined ? undefined : second(from);
  const finishedAt = to === undefined ? undefined : second(to);
  return { index, attempt: 0, pod, phase, exitCode, startedAt, finishedAt };
}

describe('the judge of chaos', () => {
  const cases: Record<string, { reason: string; round: Partial<RoundRecord>; wrong: RegExp | undefined }> = {
    'all is well': { reason: 'nothing is wrong', round: {}, wrong: undefined },
    'a request inside the gateway that is killed': {
      reason: 'it goes with the process',
      round: { lost: [LOST] },
      wrong: undefined,
    },
    'a request that another gateway had handed over to the killed one': {
      reason: 'it goes with the process',
      round: { lost: [{ ...LOST, status: 500, error: '500 The instance ended' }] },
      wrong: undefined,
    },
    'a request on its way when the gateway dies': {
      reason: 'the client has not read that its connection is gone',
      round: { lost: [{ ...LOST, sentAt: AT + 20, failedAt: AT + 90 }] },
      wrong: undefined,
    },
    'a request that was sent before the gateway that was killed had ended': {
      reason: 'a busy machine takes its time to end a process',
      round: { overAt: AT + 400, lost: [{ ...LOST, sentAt: AT + 500, failedAt: AT + 510 }] },
      wrong: undefined,
    },
    'a request that was sent to the gateway after its death': {
      reason: 'nobody may be led there',
      round: { lost: [{ ...LOST, sentAt: AT + 500, failedAt: AT + 510 }] },
      wrong: /^a request to steady that was sent at 0.50 s was lost at 0.51 s of the round: cut Error/,
    },
    'a request that another fault cuts off': {
      reason: 'only a gateway has requests inside',
      round: { killsGateway: false, lost: [LOST] },
      wrong: /^a request to steady /,
    },
    'a request that the killed gateway had answered with an error': {
      reason: 'an answer is not a connection that was cut',
      round: { lost: [{ ...LOST, status: 503, error: '503 no' }] },
      wrong: /503 no$/,
    },
    'a request that waited for an instance that could not start': {
      reason: 'it may wait for ten seconds',
      round: { lost: [{ ...LOST, status: 429, failedAt: LOST.sentAt + 10_000 }] },
      wrong: undefined,
    },
    'a request that was rejected before its time': {
      reason: 'it may wait for ten seconds',
      round: { lost: [{ ...LOST, status: 429, failedAt: LOST.sentAt + 5_000 }] },
      wrong: /^a request to steady /,
    },
    'a request that waited in vain though all works again': {
      reason: 'an instance can start',
      round: { lost: [{ ...LOST, status: 429, sentAt: AT + 3_500, failedAt: AT + 13_500 }] },
      wrong: /^a request to steady /,
    },
    'the pod that was killed starts again': {
      reason: 'that is its return',
      round: { restarts: [{ pod: 'homerun-gateway-a', what: 'container started again' }] },
      wrong: undefined,
    },
    'another pod starts again': {
      reason: 'nothing is restarted that need not be',
      round: { restarts: [{ pod: 'steady-1', what: 'pod replaced' }] },
      wrong: /^steady-1: pod replaced$/,
    },
    'a task that ran twice': {
      reason: 'nothing stops tasks',
      round: { tasks: { wrong: ['task 1 of counting-3 ran twice at once'], repeated: [] } },
      wrong: /^task 1 of counting-3 ran twice at once$/,
    },
    'a task that Kubernetes has run again': {
      reason: 'its Job controller may, and it is reported apart',
      round: { tasks: { wrong: [], repeated: ['task 1 of counting-3 ran again'] } },
      wrong: undefined,
    },
    'a pool that had too few instances': {
      reason: 'nothing stops its instances',
      round: { poolShortMs: 1_500 },
      wrong: /^a worker pool had too few instances for 1.50 s$/,
    },
    'what was hit never works again': {
      reason: 'it must heal by itself',
      round: { backAt: undefined },
      wrong: /^homerun-gateway-a did not come back$/,
    },
    'conditions that stay false': {
      reason: 'they must heal by themselves',
      round: { settledAt: undefined, unsettled: ['steady is not ready: x'] },
      wrong: /^never right again: steady is not ready: x$/,
    },
    'conditions that are true again after eleven seconds': {
      reason: 'ten are allowed',
      round: { settledAt: AT + 14_001, unsettled: ['steady is not ready: x'] },
      wrong: /^all was right only 11.00 s after the return: steady is not ready: x$/,
    },
    'no leader for six seconds': {
      reason: 'five are allowed',
      round: { leaderlessMs: 6_000 },
      wrong: /^no leader for 6.00 s$/,
    },
  };
  for (const [name, { reason, round, wrong }] of Object.entries(cases)) {
    it(`${name}: ${reason}`, () => {
      const found = violations({ ...KILLED_GATEWAY, ...round });
      if (!wrong) return assert.deepEqual(found, []);
      assert.equal(found.length, 1);
      assert.match(found[0] ?? '', wrong);
    });
  }

  it('finds tasks that never ran, ran twice at once, or ran again after they had succeeded', () => {
    const attempts = [
      attempt(0, 'once', 0, 2, 0),
      attempt(1, 'failed', 0, 2, 137),
      attempt(1, 'retried', 2, 4, 0),
      attempt(2, 'never-started'),
      attempt(3, 'succeeded', 0, 2, 0),
      attempt(3, 'needless', 5, 7, 0),
    ];
    const { wrong, repeated } = findingsOf('e', attempts);
    assert.deepEqual(wrong, ['task 2 of e never ran']);
    assert.deepEqual(repeated, [
      `task 3 of e ran again after it had succeeded: succeeded from ${second(0)} to ${second(2)} (Succeeded, exit code 0), ` +
        `then needless from ${second(5)} to ${second(7)} (Succeeded, exit code 0)`,
    ]);
    const together = [attempt(1, 'first', 0), attempt(1, 'second', 1, 3, 1)];
    const {
      wrong: [found],
    } = findingsOf('e', [...attempts.slice(0, 1), ...together, attempt(2, 'c', 0), attempt(3, 'd', 0)]);
    assert.match(found ?? '', /^task 1 of e ran twice at once: first from /);
  });

  it('injects the same faults again from the same seed, and each of them in the end', () => {
    const run = (seed: number) =>
      Array.from({ length: 400 }, (_, index) => chosen(new Random(seed, index), index + 1));
    assert.deepEqual(run(1), run(1));
    assert.notDeepEqual(run(1), run(2));
    assert.deepEqual(new Set(run(1)), new Set(Object.keys(FAULTS)));
  });

  it('injects nothing before its time', () => {
    const early = Array.from({ length: 400 }, (_, round) => chosen(new Random(1, round), 80));
    assert.ok(!early.includes('certificate about to expire'));
  });

  it('reports how long each fault took to heal, and whether anything was wrong', () => {
    const totals = { requests: 10, refused: 1, executions: 2, minutes: 3 };
    const good = report(1, [KILLED_GATEWAY], totals);
    assert.equal(good.failed, false);
    assert.match(good.text, /^\| kill gateway \| 1 \| 3.00 s \| 3.00 s \| 1.00 s \| 1.00 s \|$/m);
    const again = { wrong: [], repeated: ['task 1 of counting-3 ran again after it had succeeded: x'] };
    assert.match(
      report(1, [{ ...KILLED_GATEWAY, tasks: again }], totals).text,
      /^- round 1: task 1 of counting-3/m,
    );
    const bad = report(1, [{ ...KILLED_GATEWAY, poolShortMs: 1_000 }], totals);
    assert.equal(bad.failed, true);
    assert.match(bad.text, /^- round 1, kill gateway: a worker pool had too few instances for 1.00 s$/m);
  });
});
