import { type Condition, conditionOf, isTrue } from '../../apis/condition.ts';
import {
  EXECUTION_REASONS as REASONS,
  EXECUTION_CONDITIONS as TYPES,
} from '../../apis/run/execution/conditions.ts';
import type { CompleteExecution } from '../../apis/run/execution/types.ts';
import { REVISION_REASONS } from '../../apis/serving/revision/conditions.ts';
import type { BatchJob, Pod } from '../../kube/core.ts';
import type { DigestState } from '../../registry/resolver.ts';
import type { RoleConfig } from '../../roles.ts';
import type { CreationRejection } from '../diagnosis/creationRejection.ts';
import { FAILURE_RULES } from '../diagnosis/failureRules.ts';
import { isBeingPrepared } from '../diagnosis/mounts.ts';
import { failureMessage } from '../diagnosis/taskFailure.ts';
import { duration } from '../duration.ts';
import { digestMessage } from '../pod/digests.ts';
import type { Completion } from './completion.ts';
import { type TaskProblem, type Tasks, unschedulable } from './tasks.ts';

/** How soon it is looked again why the cluster makes no pods: the later the longer it has made none. */
const RECHECK_MS = { shortest: 3000, longest: 30_000 };

const WAITING = 'Waiting for execution to complete.';

/** Conditions before there is a batch/v1 Job. */
export function waitingConditions(
  unresolved: [string, DigestState] | undefined,
  previous: readonly Condition[] | undefined,
): Condition[] {
  const why = unresolved
    ? digestTrouble(unresolved, previous)
    : { reason: REASONS.deploying, message: WAITING };
  const types = [TYPES.completed, TYPES.containerReady, TYPES.resourcesAvailable, TYPES.started];
  return types.map((type) => ({ type, status: 'Unknown', ...why }));
}

function digestTrouble(
  [container, state]: [string, DigestState],
  previous: readonly Condition[] | undefined,
): Pick<Condition, 'reason' | 'message'> {
  if (state.state === 'failed') {
    return { reason: REASONS.containerMissing, message: digestMessage(container, state) };
  }
  // While the registry is asked again, its last answer is still what there is to say.
  const before = conditionOf(previous, TYPES.containerReady);
  if (before?.reason === REASONS.containerMissing) return { reason: before.reason, message: before.message };
  const message = `Asking the registry for the digest of the image of container '${container}'.`;
  return { reason: REASONS.resolvingDigests, message };
}

export interface ProgressInput {
  execution: CompleteExecution;
  batchJob: BatchJob;
  pods: readonly Pod[];
  tasks: Tasks;
  cancel: Completion | undefined;
  refusal: CreationRejection | undefined;
}

export interface StartProgress {
  conditions: Condition[];
  /** When to look again though nothing changes. */
  recheckMs?: number;
  /** No task can start, and waiting does not help: the execution has to be stopped. */
  stuck: boolean;
}

/** Conditions while the batch/v1 Job is there and has not finished. */
export function startConditions(
  input: ProgressInput,
  config: RoleConfig<'controller'>,
  now: number,
): StartProgress {
  const { execution, tasks, cancel } = input;
  const images: Condition = {
    type: TYPES.containerReady,
    status: 'True',
    message: 'Imported container image.',
  };
  const start = startOf(input, config, now);
  const completed: Condition = { type: TYPES.completed, status: 'Unknown', ...whyOpen(start, cancel) };
  return {
    conditions: [completed, images, ...start.conditions, ...retryCondition(execution, tasks)],
    recheckMs: start.recheckMs,
    stuck: start.stuck,
  };
}

/** Why an execution has not completed: what keeps it from starting is told where people look first. */
function whyOpen(
  { conditions }: StartProgress,
  cancel: Completion | undefined,
): Pick<Condition, 'reason' | 'message'> {
  if (cancel) return { reason: REASONS.cancelling, message: 'Waiting for tasks to stop.' };
  const { reason, message } = conditionOf(conditions, TYPES.started) ?? {};
  return reason && reason !== REASONS.deploying ? { reason, message } : { message: WAITING };
}

function startOf(input: ProgressInput, config: RoleConfig<'controller'>, now: number): StartProgress {
  const { execution, batchJob, tasks, pods } = input;
  const previous = execution.status?.conditions;
  const available: Condition = {
    type: TYPES.resourcesAvailable,
    status: 'True',
    message: 'Provisioned imported containers.',
  };
  const before = conditionOf(previous, TYPES.started);
  if (before && isTrue(before)) return { conditions: [available, before], stuck: false };
  const hasRun = batchJob.status?.succeeded || batchJob.status?.failed;
  if (tasks.startedAt !== undefined || hasRun) {
    const created = Date.parse(execution.metadata.creationTimestamp ?? '');
    const took = tasks.startedAt === undefined ? '' : ` in ${duration(tasks.startedAt - created)}`;
    const message = `Started deployed execution${took}.`;
    return { conditions: [available, { type: TYPES.started, status: 'True', message }], stuck: false };
  }
  // Its reason is recorded; the pods that showed it are being removed.
  if (before?.status === 'False') return { conditions: [available, before], stuck: true };
  const trouble = tasks.trouble ?? missingAccount(input);
  if (trouble) {
    const { reason, message } = trouble;
    const left = leftMs(trouble, config, now);
    const stuck = left !== undefined && left <= 0;
    const started: Condition = { type: TYPES.started, status: stuck ? 'False' : 'Unknown', reason, message };
    return { conditions: [available, started], recheckMs: left && Math.max(left, 500), stuck };
  }
  const full = unschedulable(pods);
  if (input.refusal && pods.length === 0) {
    const why = { status: 'Unknown', ...input.refusal } as const;
    const conditions: Condition[] = [TYPES.resourcesAvailable, TYPES.started].map((type) => ({
      type,
      ...why,
    }));
    return { conditions, recheckMs: recheckAfter(batchJob, now), stuck: false };
  }
  const waiting: Condition = {
    type: TYPES.started,
    status: 'Unknown',
    reason: REASONS.deploying,
    message: 'Tasks are starting.',
  };
  // Kubernetes tells by Events alone that it makes no pods, and that it cannot mount their volumes.
  const isSilent = pods.length === 0 || pods.some(isBeingPrepared);
  const recheckMs = isSilent ? recheckAfter(batchJob, now) : undefined;
  if (full === undefined) return { conditions: [available, waiting], recheckMs, stuck: false };
  const message = `No node has room for a task: ${full}`;
  const short: Condition = {
    type: TYPES.resourcesAvailable,
    status: 'Unknown',
    reason: REASONS.unschedulable,
    message,
  };
  return { conditions: [short, { ...waiting, message }], stuck: false };
}

/** How long a trouble is still waited out; undefined where the task's own deadline ends it. */
function leftMs(
  { limit, since = 0 }: TaskProblem,
  { startup }: RoleConfig<'controller'>,
  now: number,
): number | undefined {
  return limit && since + startup[limit] * 1000 - now;
}

function recheckAfter({ metadata }: BatchJob, now: number): number {
  const waited = now - Date.parse(metadata.creationTimestamp ?? '');
  return Math.min(Math.max(waited / 10, RECHECK_MS.shortest), RECHECK_MS.longest);
}

/** A service account that does not exist is waited for as long as a secret is; a quota may be free again any time. */
function missingAccount({ batchJob, pods, refusal }: ProgressInput): Tasks['trouble'] {
  if (pods.length > 0 || refusal?.reason !== REVISION_REASONS.serviceAccountMissing) return undefined;
  const since = Date.parse(batchJob.metadata.creationTimestamp ?? '');
  return { ...refusal, since, limit: FAILURE_RULES.account.limit };
}

/** Tells of the tasks that failed and are tried again. */
function retryCondition(execution: CompleteExecution, { failures, failedIndexes }: Tasks): Condition[] {
  const waiting = [...failures.keys()]
    .filter((index) => !failedIndexes.includes(index))
    .sort((a, b) => a - b);
  const [index] = waiting;
  const failure = index === undefined ? undefined : failures.get(index);
  if (index === undefined || !failure) return [];
  const { maxRetries } = execution.spec.template.spec;
  const message = `${failureMessage(execution.metadata.name, index, failure)} System will retry, attempt ${failure.attempt + 1} of ${maxRetries}.`;
  return [{ type: TYPES.retry, severity: 'Info', status: 'True', reason: REASONS.immediateRetry, message }];
}
