import { type Condition, conditionOf, isFalse, isTrue } from '../../apis/condition.ts';
import {
  EXECUTION_REASONS as REASONS,
  EXECUTION_CONDITIONS as TYPES,
} from '../../apis/run/execution/conditions.ts';
import type { CompleteExecution } from '../../apis/run/execution/types.ts';
import { REVISION_REASONS } from '../../apis/serving/revision/conditions.ts';
import type { BatchJob } from '../../kube/core.ts';
import { type Diagnosis, diagnose } from '../diagnosis/chain.ts';
import type { Evidence } from '../diagnosis/evidence.ts';
import { failureMessage } from '../diagnosis/taskFailure.ts';
import { duration } from '../duration.ts';
import type { Completion } from './completion.ts';
import type { Tasks } from './tasks.ts';

const WAITING = 'Waiting for execution to complete.';

type Why = Pick<Condition, 'reason' | 'message'>;

/** Conditions before there is a batch/v1 Job. */
export function waitingConditions(problem: Diagnosis | undefined): Condition[] {
  const { reason, message }: Why = problem ?? { reason: REASONS.deploying, message: WAITING };
  const types = [TYPES.completed, TYPES.containerReady, TYPES.resourcesAvailable, TYPES.started];
  return types.map((type) => ({ type, status: 'Unknown', reason, message }));
}

export interface ProgressInput {
  execution: CompleteExecution;
  batchJob: BatchJob;
  tasks: Tasks;
  cancel: Completion | undefined;
  evidence: Evidence;
}

export interface StartProgress {
  conditions: Condition[];
  /** In how many milliseconds to look again though nothing changes. */
  recheckAfter?: number;
  /** No task can start, and waiting does not help: the execution has to be stopped. */
  stuck: boolean;
}

/** Conditions while the batch/v1 Job is there and has not finished. */
export function startConditions(input: ProgressInput): StartProgress {
  const { execution, tasks, cancel } = input;
  const images: Condition = {
    type: TYPES.containerReady,
    status: 'True',
    message: 'Imported container image.',
  };
  const start = startOf(input);
  const completed: Condition = { type: TYPES.completed, status: 'Unknown', ...whyOpen(start, cancel) };
  return {
    ...start,
    conditions: [completed, images, ...start.conditions, ...retryCondition(execution, tasks)],
  };
}

/** Why an execution has not completed: what keeps it from starting is reported where people look first. */
function whyOpen({ conditions }: StartProgress, cancel: Completion | undefined): Why {
  if (cancel) return { reason: REASONS.cancelling, message: 'Waiting for tasks to stop.' };
  const { reason, message } = conditionOf(conditions, TYPES.started) ?? {};
  return reason && reason !== REASONS.deploying ? { reason, message } : { message: WAITING };
}

function startOf({ execution, batchJob, tasks, evidence }: ProgressInput): StartProgress {
  const before = conditionOf(execution.status?.conditions, TYPES.started);
  if (before && isTrue(before)) return { conditions: [AVAILABLE, before], stuck: false };
  const hasRun = batchJob.status?.succeeded || batchJob.status?.failed;
  if (tasks.startedAt !== undefined || hasRun) {
    const created = Date.parse(execution.metadata.creationTimestamp ?? '');
    const took = tasks.startedAt === undefined ? '' : ` in ${duration(tasks.startedAt - created)}`;
    const message = `Started deployed execution${took}.`;
    return { conditions: [AVAILABLE, { type: TYPES.started, status: 'True', message }], stuck: false };
  }
  // Its reason is recorded; the pods that showed it are being removed.
  if (before && isFalse(before)) return { conditions: [AVAILABLE, before], stuck: true };
  const problem = diagnose(evidence);
  const conditions = problem ? problemConditions(problem) : [AVAILABLE];
  return { conditions, recheckAfter: problem?.recheckAfter, stuck: problem?.final ?? false };
}

const AVAILABLE: Condition = {
  type: TYPES.resourcesAvailable,
  status: 'True',
  message: 'Provisioned imported containers.',
};

/** What keeps the tasks from starting. Only what people can give, room or a quota, is a matter of resources. */
function problemConditions({ check, reason, message, final }: Diagnosis): Condition[] {
  const type = TYPES.started;
  const resources = (reason: string): Condition => ({
    type: TYPES.resourcesAvailable,
    status: 'Unknown',
    reason,
    message,
  });
  if (check === 'scheduling') {
    const started: Condition = { type, status: 'Unknown', reason: REASONS.deploying, message };
    return [resources(REASONS.unschedulable), started];
  }
  const started: Condition = { type, status: final ? 'False' : 'Unknown', reason, message };
  const isRejected = check === 'creation' && reason !== REVISION_REASONS.serviceAccountMissing;
  return [isRejected ? resources(reason) : AVAILABLE, started];
}

/** Reports the tasks that failed and are tried again. */
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
