import { HOMERUN } from '../../apis/annotations/homerun.ts';
import { parseFlag } from '../../apis/annotations/values.ts';
import { type Condition, conditionOf, isFalse, isTrue, mergeConditions } from '../../apis/condition.ts';
import {
  EXECUTION_REASONS as REASONS,
  EXECUTION_CONDITIONS as TYPES,
} from '../../apis/run/execution/conditions.ts';
import type { CompleteExecution, Execution } from '../../apis/run/execution/types.ts';
import { BATCH_JOBS, type BatchJob } from '../../kube/core.ts';
import { NO_CHANGES, type Plan, removalOf } from '../../kube/plan.ts';
import { timestamp } from '../../kube/time.ts';
import type { KubeObject } from '../../kube/types.ts';
import type { RoleConfig } from '../../roles.ts';
import { diagnose } from '../diagnosis/chain.ts';
import { pinnedImages } from '../digests.ts';
import { duration, earliest } from '../duration.ts';
import { type RejectionInput, withRejection } from '../rejection.ts';
import { desiredBatchJob } from './batchJob.ts';
import { type Completion, completionOf, isFinished } from './completion.ts';
import { overdue } from './deadline.ts';
import { isDefaulted, planDefaults } from './defaults.ts';
import { evidenceOf } from './evidence.ts';
import type { CompleteInput, ExecutionInput } from './input.ts';
import { startConditions, waitingConditions } from './progress.ts';
import { readTasks, type Tasks } from './tasks.ts';

/**
 * What an execution needs: its images pinned to digests, one batch/v1 Job, and a status that shows how its tasks fare.
 * An execution whose Job has been seen never gets another, whatever becomes of the first: no task runs twice.
 */
export function planExecution(
  input: ExecutionInput,
  config: RoleConfig<'controller'>,
  now: number,
): Plan<Execution> {
  const { execution, job, batchJob, namespaceEnds } = input;
  if (namespaceEnds) return { ...NO_CHANGES, remove: batchJob ? [removalOf(BATCH_JOBS, batchJob)] : [] };
  if (isFinished(execution)) return planRetention(input, config, now);
  if (!isDefaulted(execution, batchJob ? undefined : job)) return planDefaults(execution, job, now);
  const complete = { ...input, execution };
  return batchJob ? planProgress(complete, batchJob, config, now) : planStart(complete, config, now);
}

function planStart(input: CompleteInput, config: RoleConfig<'controller'>, now: number): Plan<Execution> {
  const { execution, digests, metadata } = input;
  if (isTrue(conditionOf(execution.status?.conditions, TYPES.containerReady))) {
    const message = `Job '${execution.metadata.name}' of batch/v1 has been deleted, and its tasks with it.`;
    return ended(input, { status: 'False', reason: REASONS.deleted, message }, undefined, now);
  }
  if (isCancelled(execution)) return ended(input, CANCELLED, undefined, now);
  const problem = diagnose(evidenceOf(input, config, now));
  const why = problem?.check === 'image' ? problem : undefined;
  if (why?.final) {
    const { reason, message } = why;
    return ended(input, { status: 'False', reason, message }, undefined, now);
  }
  const images = pinnedImages(execution.spec.template.spec, digests);
  return {
    apply: [],
    create: why ? [] : [desiredBatchJob(execution, images, config, metadata)],
    remove: [],
    status: withStatus(execution, waitingConditions(why), {}, now),
    events: [],
    requeueAfterMs: why?.recheckAfter,
  };
}

/** The status of an execution while the cluster rejects its batch/v1 Job; a quota may be free again any time. */
export function rejectedExecution(input: RejectionInput): KubeObject {
  return withRejection(input, [TYPES.completed, TYPES.resourcesAvailable, TYPES.started], 'Unknown');
}

function planProgress(
  input: CompleteInput,
  batchJob: BatchJob,
  config: RoleConfig<'controller'>,
  now: number,
): Plan<Execution> {
  const { execution, pods } = input;
  const { taskCount, template } = execution.spec;
  const reading = { taskCount, containers: template.spec.containers, status: batchJob.status, pods };
  const tasks = readTasks({ ...reading, over: false });
  const cancel = isCancelled(execution) ? CANCELLED : undefined;
  const end = completionOf(execution, batchJob, tasks, cancel, now);
  if (end === 'unexplained') {
    // The pod that failed has not been seen yet; it will be, or has been deleted.
    return { ...NO_CHANGES, requeueAfterMs: 250 };
  }
  if (end) return ended(input, end, readTasks({ ...reading, over: true }), now);
  const evidence = evidenceOf(input, config, now);
  const progress = { execution, batchJob, tasks, cancel, evidence };
  const { conditions, recheckAfter, stuck } = startConditions(progress);
  const status = withStatus(execution, conditions, counts(batchJob, tasks), now);
  // The status must say why it is stopped before it is stopped: the pods that show it will go.
  const recorded = cancel ?? (stuck && isFalse(conditionOf(execution.status?.conditions, TYPES.started)));
  const held = heldBackMs(input, status, now);
  const stop = recorded && !batchJob.spec?.suspend;
  const late = overdue(pods, template.spec.timeoutSeconds, now);
  return {
    apply: [],
    change: [...late.change, ...(stop ? [{ type: BATCH_JOBS, object: batchJob, patch: STOP }] : [])],
    remove: [],
    status: held > 0 ? undefined : status,
    events: startEvents(execution, conditions),
    requeueAfterMs: earliest(held > 0 ? held : undefined, recheckAfter, late.nextMs),
  };
}

const STOP = { spec: { suspend: true } };
const CANCELLED: Completion = { status: 'False', reason: REASONS.cancelled, message: 'Cancelled by user.' };

/** Asked to stop, now or before: what has begun to stop does not go on. */
function isCancelled({ metadata, status }: Execution): boolean {
  if (parseFlag(metadata.annotations?.[HOMERUN.cancel])) return true;
  return conditionOf(status?.conditions, TYPES.completed)?.reason === REASONS.cancelling;
}

/** The pods of an execution that is over stay for a while, for their logs; then they go with their Job. */
function planRetention(
  { execution, batchJob }: ExecutionInput,
  { jobs }: Pick<RoleConfig<'controller'>, 'jobs'>,
  now: number,
): Plan<Execution> {
  if (!batchJob || batchJob.metadata.deletionTimestamp) return NO_CHANGES;
  const left = Date.parse(execution.status?.completionTime ?? '') + jobs.retainPodsSeconds * 1000 - now;
  if (left > 0) return { ...NO_CHANGES, requeueAfterMs: left };
  return { ...NO_CHANGES, remove: [removalOf(BATCH_JOBS, batchJob)] };
}

type Counts = Pick<
  NonNullable<Execution['status']>,
  'startTime' | 'runningCount' | 'succeededCount' | 'failedCount' | 'retriedCount' | 'tasks'
>;

function counts({ status }: BatchJob, { running, retried, failedIndexes, rows }: Tasks): Counts {
  return {
    startTime: status?.startTime,
    runningCount: running,
    succeededCount: status?.succeeded ?? 0,
    failedCount: failedIndexes.length,
    retriedCount: retried,
    tasks: rows,
  };
}

function withStatus(
  execution: CompleteExecution,
  conditions: Condition[],
  counted: Counts & Pick<NonNullable<Execution['status']>, 'cancelledCount' | 'completionTime' | 'duration'>,
  now: number,
): Execution {
  const before = execution.status;
  const retriedCount = Math.max(counted.retriedCount ?? 0, before?.retriedCount ?? 0);
  const status = {
    ...counted,
    observedGeneration: execution.metadata.generation,
    conditions: mergeConditions(before?.conditions, conditions, now),
    startTime: before?.startTime ?? counted.startTime,
    retriedCount,
  };
  return { ...execution, status } as Execution;
}

/** The execution's last status. Tasks that neither succeeded nor failed by then were cancelled. */
function ended(
  input: CompleteInput,
  end: Completion,
  tasks: Tasks | undefined,
  now: number,
): Plan<Execution> {
  const { execution, batchJob } = input;
  const before = execution.status;
  const counted = batchJob && tasks ? counts(batchJob, tasks) : {};
  const succeeded = counted.succeededCount ?? before?.succeededCount ?? 0;
  const failed = counted.failedCount ?? before?.failedCount ?? 0;
  const completionTime = end.at ?? timestamp(now);
  const startTime = before?.startTime ?? counted.startTime;
  const ran = startTime ? duration(Date.parse(completionTime) - Date.parse(startTime)) : undefined;
  const message = end.status === 'True' ? `Execution completed successfully in ${ran}.` : end.message;
  const completed = { type: TYPES.completed, status: end.status, reason: end.reason, message };
  const others = finalConditions(before?.conditions, end, tasks, execution);
  const last = {
    ...counted,
    startTime,
    completionTime,
    duration: ran,
    runningCount: 0,
    succeededCount: succeeded,
    failedCount: failed,
    cancelledCount: execution.spec.taskCount - succeeded - failed,
    tasks: counted.tasks ?? before?.tasks,
  };
  const name = execution.metadata.name;
  return {
    apply: [],
    remove: [],
    status: withStatus(execution, [completed, ...others], last, now),
    events: [
      end.status === 'True'
        ? {
            type: 'Normal',
            reason: 'ExecutionCompleted',
            message: `Execution '${name}' completed successfully.`,
          }
        : { type: 'Warning', reason: end.reason ?? 'ExecutionFailed', message: end.message ?? '' },
    ],
  };
}

/** The other conditions as they stay: what has not come true by the end has failed for the end's reason. */
function finalConditions(
  previous: readonly Condition[] | undefined,
  end: Completion,
  tasks: Tasks | undefined,
  execution: CompleteExecution,
): Condition[] {
  const hasStarted = tasks?.startedAt !== undefined || end.status === 'True';
  return [TYPES.containerReady, TYPES.resourcesAvailable, TYPES.started].map((type): Condition => {
    const before = conditionOf(previous, type);
    if (isTrue(before) && before) return before;
    if (end.status === 'True' || (hasStarted && tasks)) return doneCondition(type, execution, tasks);
    const { reason, message } = end;
    return { type, status: 'False', reason, message };
  });
}

function doneCondition(type: string, execution: CompleteExecution, tasks: Tasks | undefined): Condition {
  if (type === TYPES.containerReady) return { type, status: 'True', message: 'Imported container image.' };
  if (type === TYPES.resourcesAvailable)
    return { type, status: 'True', message: 'Provisioned imported containers.' };
  const created = Date.parse(execution.metadata.creationTimestamp ?? '');
  const took = tasks?.startedAt === undefined ? '' : ` in ${duration(tasks.startedAt - created)}`;
  return { type, status: 'True', message: `Started deployed execution${took}.` };
}

/** Longest and shortest time between two writes of nothing but progress. */
const PROGRESS_MS = { longest: 30_000, shortest: 1000 };
/** How much progress is worth a write before the longest time is over, as a share of the tasks. */
const STEP = 1 / 50;

/**
 * How long a status waits that reports nothing but progress: ten thousand tasks are not ten thousand writes, on
 * however slow a cluster. A fiftieth of the tasks is reported after a second, or later where there are many.
 */
function heldBackMs({ execution, writtenAt }: CompleteInput, next: Execution, now: number): number {
  if (writtenAt === undefined || hasChanged(execution, next)) return 0;
  const { taskCount } = execution.spec;
  const progress = finishedOf(next) - finishedOf(execution);
  const isStep = taskCount * STEP < 2 || progress >= taskCount * STEP;
  const soon = Math.min(Math.max(taskCount * 5, PROGRESS_MS.shortest), PROGRESS_MS.longest);
  return Math.max(writtenAt + (isStep ? soon : PROGRESS_MS.longest) - now, 0);
}

function finishedOf({ status }: Execution): number {
  return (status?.succeededCount ?? 0) + (status?.failedCount ?? 0);
}

function hasChanged({ status: before }: Execution, { status: next }: Execution): boolean {
  return (next?.conditions ?? []).some(({ type, status, reason }) => {
    const known = conditionOf(before?.conditions, type);
    return known?.status !== status || (known?.reason ?? '') !== (reason ?? '');
  });
}

function startEvents(execution: Execution, conditions: Condition[]): Plan['events'] {
  const before = conditionOf(execution.status?.conditions, TYPES.started);
  const started = conditionOf(conditions, TYPES.started);
  if (!isTrue(started) || isTrue(before)) return [];
  const message = `Execution '${execution.metadata.name}' started.`;
  return [{ type: 'Normal', reason: 'ExecutionStarted', message }];
}
