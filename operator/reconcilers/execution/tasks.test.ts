import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { BatchJob, Pod } from '../../kube/core.ts';
import { after, taskPod } from '../../testing/jobs.ts';
import { EPOCH } from '../../testing/serving.ts';
import { indexes, readTasks } from './tasks.ts';
import { trimPod } from './trim.ts';

const containers = [{ name: 'user-container', image: 'app' }];

function read(pods: Pod[], status: BatchJob['status'] = {}, { taskCount = 3, over = false } = {}) {
  return readTasks({ taskCount, containers, status, over, pods } as Parameters<typeof readTasks>[0]);
}

describe('tasks of an execution', () => {
  it('counts what runs and what was tried again', () => {
    const pods = [
      taskPod(0, { phase: 'Failed' }),
      taskPod(0, { attempt: 1 }),
      taskPod(1, { phase: 'Succeeded' }),
      taskPod(2, { phase: 'Pending' }),
    ];
    const { running, retried } = read(pods);
    assert.deepEqual({ running, retried }, { running: 1, retried: 1 });
  });

  it('lists every task where there are few, with the last exit code of one that waits for its next attempt', () => {
    const pods = [taskPod(0, { phase: 'Failed' }), taskPod(1, { phase: 'Succeeded' })];
    const { rows } = read(pods, { completedIndexes: '1' });
    assert.deepEqual(
      rows.map(({ index, attempt, state, exitCode, pod }) => [index, attempt, state, exitCode, pod]),
      [
        [0, 0, 'Pending', 1, 'hello-abc-0-0'],
        [1, 0, 'Succeeded', 0, 'hello-abc-1-0'],
        [2, undefined, 'Pending', undefined, undefined],
      ],
    );
  });

  it('calls cancelled what neither succeeded nor failed by the end', () => {
    const pods = [taskPod(0, { phase: 'Failed' }), taskPod(1)];
    const { rows } = read(pods, { failedIndexes: '0' }, { over: true });
    assert.deepEqual(
      rows.map(({ state }) => state),
      ['Failed', 'Cancelled', 'Cancelled'],
    );
  });

  it('lists of many tasks those that failed, were tried again or run, a hundred at most', () => {
    const pods = [
      ...Array.from({ length: 300 }, (_, index) => taskPod(index, { phase: 'Succeeded' })),
      ...Array.from({ length: 150 }, (_, index) => taskPod(300 + index)),
      taskPod(900, { phase: 'Failed' }),
      taskPod(901, { attempt: 2 }),
    ];
    const { rows } = read(pods, { failedIndexes: '900', completedIndexes: '0-299' }, { taskCount: 1000 });
    assert.equal(rows.length, 100);
    assert.deepEqual(
      rows.slice(-2).map(({ index, state }) => [index, state]),
      [
        [900, 'Failed'],
        [901, 'Running'],
      ],
    );
  });

  it('tells what keeps a pod from starting, since when, and for how long that is waited out', () => {
    const waiting = (reason: string, message: string) => {
      const status = { startTime: after(60) };
      const pod = taskPod(0, { phase: 'Pending', state: { waiting: { reason, message } }, status });
      return read([trimPod(pod)]).trouble;
    };
    assert.match(waiting('ImagePullBackOff', 'timed out')?.message ?? '', /Image 'app'.*timed out/);
    assert.equal(waiting('ImagePullBackOff', 'toomanyrequests')?.limit, 'limitSeconds');
    assert.equal(waiting('ErrImagePull', 'manifest unknown')?.limit, 'crashSeconds');
    assert.equal(
      waiting('ErrImagePull', 'manifest unknown')?.since,
      EPOCH + 60_000,
      'not while no node had it',
    );
    assert.match(waiting('CreateContainerConfigError', 'secret "s" not found')?.message ?? '', /secret "s"/);
    assert.match(waiting('FailedMount', 'secret "s" not found')?.message ?? '', /create secret generic s/);
    assert.equal(waiting('FailedMount', 'secret "s" not found')?.limit, 'limitSeconds');
    assert.equal(waiting('ContainerCreating', ''), undefined);
  });

  it('tells what keeps a sidecar from starting: the task waits for it', () => {
    const side = {
      name: 'side',
      image: 'proxy',
      startupProbe: { tcpSocket: { port: 5432 }, periodSeconds: 1, failureThreshold: 5 },
    };
    const terminated = {
      exitCode: 0,
      startedAt: '2026-01-01T00:00:01Z',
      finishedAt: '2026-01-01T00:00:06Z',
    };
    const trouble = (started: boolean) => {
      const status = { name: 'side', started, restartCount: 1, state: {}, lastState: { terminated } };
      const pod = taskPod(0, {
        phase: 'Pending',
        state: { waiting: { reason: 'PodInitializing' } },
        status: { initContainerStatuses: [status] } as unknown as Pod['status'],
      });
      const input = { taskCount: 1, status: {}, over: false, pods: [trimPod(pod)] };
      return readTasks({ ...input, containers: [...containers, side] }).trouble;
    };
    assert.match(
      trouble(false)?.message ?? '',
      /^Container 'side' did not pass .* connections on port 5432\.$/,
    );
    assert.equal(trouble(false)?.limit, undefined, 'it is started again');
    assert.equal(trouble(true), undefined);
  });

  it('reads any list of indexes as Kubernetes writes it', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(200)), (wanted) => {
        const sorted = wanted.toSorted((a, b) => a - b);
        assert.deepEqual([...indexes(written(sorted))], sorted);
      }),
    );
  });
});

/** As batch/v1 writes indexes: ranges of three and more with a dash. */
function written(sorted: number[]): string {
  const ranges: [number, number][] = [];
  for (const index of sorted) {
    const last = ranges.at(-1);
    if (last && last[1] === index - 1) last[1] = index;
    else ranges.push([index, index]);
  }
  return ranges
    .map(([from, to]) => (from === to ? from : to === from + 1 ? `${from},${to}` : `${from}-${to}`))
    .join(',');
}
