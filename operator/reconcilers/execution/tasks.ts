import { MAX_LISTED_TASKS } from '../../apis/run/execution/schema.ts';
import type { Execution } from '../../apis/run/execution/types.ts';
import type { Container } from '../../apis/serving/container/types.ts';
import type { BatchJob, Pod } from '../../kube/core.ts';
import { withoutUndefined } from '../../kube/json.ts';
import { hasEnded } from '../../kube/pod.ts';
import { attemptFailure, type Failure } from '../diagnosis/taskFailure.ts';
import { earliest } from '../duration.ts';
import { TASK } from './batchJob.ts';

/** One row of an execution's table of tasks. */
export type TaskRow = NonNullable<NonNullable<Execution['status']>['tasks']>[number];

export interface TasksInput {
  taskCount: number;
  containers: Container[];
  status: BatchJob['status'];
  /** Whether the execution has ended: what has not run by then never will. */
  over: boolean;
  pods: readonly Pod[];
}

/** What follows of the tasks of an execution from their pods. */
export interface Tasks {
  running: number;
  /** Pods that have not come to their end. */
  alive: number;
  /** Tasks that were tried more than once. */
  retried: number;
  failedIndexes: number[];
  /** When the first container started, in milliseconds since 1970. */
  startedAt?: number;
  /** Last failure of each task that has failed. */
  failures: ReadonlyMap<number, Failure>;
  rows: TaskRow[];
}

/** Reads the state of the tasks from their pods and from what the batch/v1 Job has counted. */
export function readTasks(input: TasksInput): Tasks {
  const latest = new Map<number, Pod>();
  const failures = new Map<number, Failure>();
  let running = 0;
  let alive = 0;
  let startedAt: number | undefined;
  const retried = new Set<number>();
  for (const pod of input.pods) {
    const index = indexOf(pod);
    if (attemptOf(pod) > 0) retried.add(index);
    if (pod.status?.phase === 'Running') running++;
    if (!hasEnded(pod)) alive++;
    startedAt = earliest(startedAt, startOf(pod));
    if (isNewer(pod, latest.get(index))) latest.set(index, pod);
    if (pod.status?.phase !== 'Failed') continue;
    if (attemptOf(pod) >= (failures.get(index)?.attempt ?? 0)) {
      failures.set(index, { ...attemptFailure(pod, input.containers), attempt: attemptOf(pod) });
    }
  }
  const failedIndexes = [...indexes(input.status?.failedIndexes)];
  const rows = taskRows(input, latest, failures, new Set(failedIndexes));
  return { running, alive, retried: retried.size, failedIndexes, startedAt, failures, rows };
}

/** All tasks where there are few; else those that are worth a look: failed ones, retried ones, then running ones. */
function taskRows(
  input: TasksInput,
  latest: ReadonlyMap<number, Pod>,
  failures: ReadonlyMap<number, Failure>,
  failed: ReadonlySet<number>,
): TaskRow[] {
  const row = (index: number, succeeded: boolean) =>
    taskRow(index, latest.get(index), failures.get(index), {
      failed: failed.has(index),
      succeeded,
      over: input.over,
    });
  if (input.taskCount <= MAX_LISTED_TASKS) {
    const succeeded = new Set(indexes(input.status?.completedIndexes));
    return Array.from({ length: input.taskCount }, (_, index) => row(index, succeeded.has(index)));
  }
  const rank = (index: number) => {
    if (failed.has(index)) return 0;
    const pod = latest.get(index);
    if (failures.has(index) || (pod && attemptOf(pod) > 0)) return 1;
    return pod?.status?.phase === 'Running' ? 2 : 3;
  };
  const ranked = [...new Set([...failed, ...latest.keys()])]
    .map((index) => ({ index, rank: rank(index) }))
    .filter((each) => each.rank < 3)
    .sort((a, b) => a.rank - b.rank || a.index - b.index);
  return ranked
    .slice(0, MAX_LISTED_TASKS)
    .map(({ index }) => row(index, false))
    .sort((a, b) => (a.index ?? 0) - (b.index ?? 0));
}

function taskRow(
  index: number,
  pod: Pod | undefined,
  failure: Failure | undefined,
  { failed, succeeded, over }: { failed: boolean; succeeded: boolean; over: boolean },
): TaskRow {
  const phase = pod?.status?.phase;
  const done = succeeded || phase === 'Succeeded';
  const state = failed
    ? 'Failed'
    : done
      ? 'Succeeded'
      : over
        ? 'Cancelled'
        : phase === 'Running'
          ? 'Running'
          : 'Pending';
  const exitCode = done ? 0 : failure?.exitCode;
  const row = {
    index,
    attempt: pod ? attemptOf(pod) : undefined,
    state,
    exitCode,
    pod: pod?.metadata.name,
    message: done ? undefined : failure?.message.slice(0, 1024),
  };
  return withoutUndefined(row) as TaskRow;
}

/** The index of the task that a pod is an attempt of. */
export function indexOf({ metadata }: Pod): number {
  return Number(metadata.annotations?.[TASK.index] ?? 0);
}

/** Which attempt of its task a pod is, from 0. */
export function attemptOf({ metadata }: Pod): number {
  return Number(metadata.annotations?.[TASK.failures] ?? 0);
}

function isNewer(pod: Pod, than: Pod | undefined): boolean {
  if (!than) return true;
  if (attemptOf(pod) !== attemptOf(than)) return attemptOf(pod) > attemptOf(than);
  return (pod.metadata.creationTimestamp ?? '') >= (than.metadata.creationTimestamp ?? '');
}

/** When the first of a pod's containers started. */
function startOf(pod: Pod): number | undefined {
  let first: number | undefined;
  for (const { state } of pod.status?.containerStatuses ?? []) {
    const at = Date.parse(state?.running?.startedAt ?? state?.terminated?.startedAt ?? '');
    if (Number.isFinite(at)) first = earliest(first, at);
  }
  return first;
}

/** The indexes that a text such as `0-3,5` stands for (batch/v1, JobStatus: completedIndexes). */
export function* indexes(text: string | undefined): Generator<number> {
  for (const range of text ? text.split(',') : []) {
    const [first = '', last = first] = range.split('-');
    for (let index = Number(first); index <= Number(last); index++) yield index;
  }
}
