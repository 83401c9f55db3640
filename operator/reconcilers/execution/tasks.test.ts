import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { BatchJob, Pod } from '../../kube/core.ts';
import { taskPod } from '../../testing/jobs.ts';
import { indexes, readTasks } from './tasks.ts';

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
