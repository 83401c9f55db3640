import { LOCATION, RUN } from '../../apis/labels.ts';
import { EXECUTIONS, type Execution } from '../../apis/run/execution/types.ts';
import { PODS, type Pod } from '../../kube/core.ts';
import { withoutUndefined } from '../../kube/json.ts';
import type { KubeObject } from '../../kube/types.ts';
import { TASK } from '../../reconcilers/execution/batchJob.ts';
import { attemptOf, indexOf } from '../../reconcilers/execution/tasks.ts';
import { asPermission } from '../authorization.ts';
import { ApiError } from '../errors.ts';
import { notFound } from '../resources/failure.ts';
import type { Page, Resources } from '../resources/resources.ts';
import { TASKS } from './kinds.ts';
import { wrong } from './query.ts';
import { labelTest } from './selector.ts';

/** A task of an execution (Cloud Run Admin API v1, Task). */
export interface Task extends KubeObject {
  spec?: object;
  status: TaskStatus;
}

interface TaskStatus {
  observedGeneration: number;
  index: number;
  startTime?: string;
  completionTime?: string;
  retried?: number;
  lastAttemptResult?: { exitCode?: number; status?: { code: number; message?: string } };
  conditions: object[];
}

/** Names of tasks: `EXECUTION-INDEX`. */
const NAME = /^(.+)-(0|[1-9]\d{0,4})$/;
const DEFAULT_PAGE = 100;

/**
 * The tasks of a project's executions that a page asks for. A selector that names one execution spares reading the others.
 * @throws {ApiError}
 */
export async function listTasks(resources: Resources, region: string, page: Page) {
  const selector = page.labelSelector ?? '';
  const test = labelTest(selector);
  const from = page.continue === undefined ? 0 : Number(page.continue);
  if (!Number.isSafeInteger(from) || from < 0) throw wrong('continue', page.continue, 'a token of this list');
  const [, execution] = /run\.googleapis\.com\/execution\s*==?\s*([\w.-]+)/.exec(selector) ?? [];
  const executions = await asPermission('run.tasks.list', `namespaces/${resources.namespace}`, () =>
    execution ? existing(resources, execution) : all(resources),
  );
  const tasks = (await withPods(resources, executions, region)).filter(({ metadata }) =>
    test(metadata.labels ?? {}),
  );
  const end = from + (page.limit ?? DEFAULT_PAGE);
  return { items: tasks.slice(from, end), continue: end < tasks.length ? String(end) : undefined };
}

/** @throws {ApiError} NOT_FOUND */
export async function getTask(resources: Resources, region: string, name: string): Promise<Task> {
  const { namespace } = resources;
  const missing = notFound({ action: 'get', type: TASKS, namespace, name });
  const [, execution = ''] = NAME.exec(name) ?? [];
  const found = await asPermission('run.tasks.get', `namespaces/${namespace}/tasks/${name}`, () =>
    existing(resources, execution),
  );
  const task = (await withPods(resources, found, region)).find(({ metadata }) => metadata.name === name);
  if (!task) throw missing;
  return task;
}

async function existing(resources: Resources, name: string): Promise<Execution[]> {
  if (name === '') return [];
  try {
    return [await resources.get(EXECUTIONS, name)];
  } catch (error) {
    if (error instanceof ApiError && error.code === 'NOT_FOUND') return [];
    throw error;
  }
}

async function all(resources: Resources): Promise<Execution[]> {
  return (await resources.list(EXECUTIONS)).items;
}

async function withPods(
  resources: Resources,
  executions: readonly Execution[],
  region: string,
): Promise<Task[]> {
  const [only] = executions.length === 1 ? executions : [];
  const labelSelector = only ? `${RUN.execution}=${only.metadata.name}` : RUN.execution;
  const pods = executions.length === 0 ? [] : await podsOf(resources, labelSelector);
  const byExecution = Map.groupBy(pods, ({ metadata }) => metadata.labels?.[RUN.execution]);
  return executions.flatMap((each) => tasksOf(each, byExecution.get(each.metadata.name) ?? [], region));
}

/** Pods have the times of tasks; a person who may not read them sees the tasks without these. */
async function podsOf(resources: Resources, labelSelector: string): Promise<Pod[]> {
  try {
    return (await resources.list(PODS, { labelSelector })).items;
  } catch (error) {
    if (error instanceof ApiError && error.code === 'PERMISSION_DENIED') return [];
    throw error;
  }
}

/** The tasks of an execution, from its status and its pods. Pure. */
export function tasksOf(execution: Execution, pods: readonly Pod[], region: string): Task[] {
  const attempts = Map.groupBy(
    pods.filter(({ metadata }) => metadata.annotations?.[TASK.index]),
    indexOf,
  );
  const count = execution.spec?.taskCount ?? 1;
  return Array.from({ length: count }, (_, index) =>
    taskOf(execution, index, attempts.get(index) ?? [], region),
  );
}

function taskOf(execution: Execution, index: number, attempts: readonly Pod[], region: string): Task {
  const { name, namespace, uid, creationTimestamp, labels = {} } = execution.metadata;
  const row = execution.status?.tasks?.find((each) => each.index === index);
  const latest = attempts.toSorted((a, b) => attemptOf(b) - attemptOf(a))[0];
  const state = row?.state ?? stateOf(execution, latest);
  const times = timesOf(attempts, state);
  const retried = row?.attempt ?? (latest ? attemptOf(latest) : 0);
  return {
    apiVersion: TASKS.apiVersion,
    kind: TASKS.kind,
    metadata: {
      name: `${name}-${index}`,
      namespace,
      uid: `${uid}-${index}`,
      generation: 1,
      creationTimestamp: latest?.metadata.creationTimestamp ?? creationTimestamp,
      labels: {
        [LOCATION]: region,
        [RUN.job]: labels[RUN.job] ?? '',
        [RUN.execution]: name,
        [RUN.taskIndex]: String(index),
        [RUN.runningState]: state,
      },
    },
    spec: execution.spec?.template?.spec,
    status: withoutUndefined({
      observedGeneration: 1,
      index,
      ...times,
      retried,
      lastAttemptResult: resultOf(state, row),
      conditions: conditionsOf(state, row?.message, times),
    }),
  };
}

type Row = NonNullable<NonNullable<Execution['status']>['tasks']>[number];

function stateOf({ status }: Execution, pod: Pod | undefined): string {
  const phase = pod?.status?.phase;
  if (phase === 'Succeeded' || phase === 'Running') return phase;
  const completed = status?.conditions?.find(({ type }) => type === 'Completed')?.status;
  if (completed === 'True') return 'Succeeded';
  return completed === 'False' ? 'Cancelled' : 'Pending';
}

/** From the start of the first attempt to the end of the last. */
function timesOf(attempts: readonly Pod[], state: string): { startTime?: string; completionTime?: string } {
  const starts = attempts.flatMap(({ status }) => status?.startTime ?? []).sort();
  const ends = attempts
    .flatMap(({ status }) => status?.containerStatuses ?? [])
    .flatMap(({ state: container }) => container?.terminated?.finishedAt ?? [])
    .sort();
  const isOver = state !== 'Pending' && state !== 'Running';
  return withoutUndefined({ startTime: starts[0], completionTime: isOver ? ends.at(-1) : undefined });
}

function resultOf(state: string, row: Row | undefined): TaskStatus['lastAttemptResult'] {
  if (state === 'Succeeded') return { exitCode: 0, status: { code: 0 } };
  if (row?.exitCode === undefined && row?.message === undefined) return undefined;
  // google.rpc.Code UNKNOWN.
  return withoutUndefined({ exitCode: row.exitCode, status: { code: 2, message: row.message } });
}

const OUTCOMES: Readonly<Record<string, string>> = { Succeeded: 'True', Failed: 'False', Cancelled: 'False' };

function conditionsOf(
  state: string,
  message: string | undefined,
  { startTime, completionTime }: { startTime?: string; completionTime?: string },
): object[] {
  const isStarted = state !== 'Pending';
  return [
    withoutUndefined({
      type: 'Completed',
      status: OUTCOMES[state] ?? 'Unknown',
      reason: state === 'Succeeded' || isStarted === false ? undefined : state,
      message: state === 'Failed' ? message : undefined,
      lastTransitionTime: completionTime ?? startTime,
    }),
    withoutUndefined({
      type: 'Started',
      status: isStarted ? 'True' : 'Unknown',
      lastTransitionTime: startTime,
    }),
  ];
}
