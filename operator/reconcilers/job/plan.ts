import { HOMERUN } from '../../apis/annotations/homerun.ts';
import { type Condition, conditionOf, mergeConditions, READY } from '../../apis/condition.ts';
import { errorMessage, type FieldError } from '../../apis/fieldError.ts';
import { EXECUTION_CONDITIONS } from '../../apis/run/execution/conditions.ts';
import { executionOf } from '../../apis/run/execution/fromJob.ts';
import { EXECUTIONS, type Execution } from '../../apis/run/execution/types.ts';
import { scheduleOf } from '../../apis/run/job/schedule.ts';
import type { Job } from '../../apis/run/job/types.ts';
import { validateJob } from '../../apis/run/job/validation.ts';
import type { Config } from '../../config.ts';
import { type Plan, removalOf } from '../../kube/plan.ts';
import { timestamp } from '../../kube/time.ts';
import type { KubeObject } from '../../kube/types.ts';
import { isFinished } from '../execution/completion.ts';
import { stateOf } from '../execution/metrics.ts';
import { type RejectionInput, withRejection } from '../rejection.ts';
import { expiredExecutions, newestFirst } from './history.ts';
import { askedRuns, awaitedRun, DONE } from './runs.ts';
import { scheduled } from './schedule.ts';

export interface JobInput {
  job: Job;
  /** The executions that were made from it. */
  executions: Execution[];
}

/**
 * A job runs only when it is asked to: by a new token, by a new value of annotation `homerun.dev/run`, or by its
 * schedule. What was started is remembered in the status after the execution was made, whose name follows from what
 * asked for it: a controller that is killed between the two finds the execution there, and one that finds it collected
 * knows that it was. A job that breaks the contract starts nothing, and its status lists everything that is wrong with it.
 */
export function planJob({ job, executions }: JobInput, config: Pick<Config, 'jobs'>, now: number): Plan<Job> {
  const errors = validateJob(job).filter(({ strict }) => !strict);
  if (errors.length > 0) return planInvalid(job, executions, errors, now);
  const known = new Set(executions.map(({ metadata }) => metadata.name));
  const { run, done, nextAt } = scheduled(job, config.jobs.startingDeadlineSeconds, now);
  const runs = [...askedRuns(job), ...(run ? [run] : [])];
  const made = runs.filter(({ name }) => !known.has(name)).map(({ name }) => executionOf(job, { name }));
  const remembered = Object.assign({}, ...runs.map((each) => each.done), done);
  const all = [...executions, ...made.map((execution) => createdAt(execution, now))];
  const limit = historyLimit(job, config);
  return {
    apply: [],
    create: made,
    remove: expiredExecutions(executions, limit).map((execution) => removalOf(EXECUTIONS, execution)),
    status: withStatus(job, all, [readyCondition(job, all)], { ...kept(job), ...remembered }, now),
    events: made.map(({ metadata }) => ({
      type: 'Normal',
      reason: 'ExecutionCreated',
      message: `Created Execution '${metadata.name}'.`,
    })),
    requeueAfterMs: nextAt === undefined ? undefined : Math.max(nextAt - now, 0),
  };
}

/** The status of a job while the cluster rejects its execution; the run that was asked for is still to be made. */
export function rejectedJob(input: RejectionInput): KubeObject {
  return withRejection({ ...input, planned: input.subject }, [READY]);
}

function planInvalid(job: Job, executions: Execution[], errors: FieldError[], now: number): Plan<Job> {
  const message = errorMessage(errors);
  const ready: Condition = { type: READY, status: 'False', reason: 'InvalidArgument', message };
  const isNew = conditionOf(job.status?.conditions, READY)?.status !== 'False';
  return {
    apply: [],
    remove: [],
    status: withStatus(job, executions, [ready], kept(job), now),
    events: isNew ? [{ type: 'Warning', reason: 'InvalidArgument', message }] : [],
  };
}

function historyLimit({ metadata }: Job, { jobs }: Pick<Config, 'jobs'>): number {
  const declared = metadata.annotations?.[HOMERUN.historyLimit];
  return declared !== undefined && /^[0-9]+$/.test(declared) ? Number(declared) : jobs.executionsHistoryLimit;
}

/**
 * What the status remembers of runs; the rest of its annotations is not ours to keep. Up to when a schedule was kept is
 * forgotten with the schedule: one that is put back counts from then on, and runs no time of its pause.
 */
function kept(job: Job): Record<string, string> {
  const { status } = job;
  const keys = new Set<string>(Object.values(DONE));
  if (!scheduleOf(job)) keys.delete(DONE.schedule);
  return Object.fromEntries(Object.entries(status?.annotations ?? {}).filter(([key]) => keys.has(key)));
}

function createdAt(execution: Execution, now: number): Execution {
  const creationTimestamp = timestamp(now);
  return { ...execution, metadata: { ...execution.metadata, creationTimestamp } };
}

/**
 * With `startExecutionToken` a job is ready once that execution has started, with `runExecutionToken` once it has
 * completed (API reference, JobSpec); otherwise at once.
 */
function readyCondition(job: Job, executions: readonly Execution[]): Condition {
  const name = awaitedRun(job);
  if (name === undefined) return { type: READY, status: 'True' };
  const execution = executions.find((each) => each.metadata.name === name);
  // It was made, has ended, and is collected by now.
  if (!execution) return { type: READY, status: 'True' };
  const type = job.spec.runExecutionToken ? EXECUTION_CONDITIONS.completed : EXECUTION_CONDITIONS.started;
  const current = conditionOf(execution.status?.conditions, type);
  if (current?.status === 'True') return { type: READY, status: 'True' };
  const {
    status = 'Unknown',
    reason = 'Deploying',
    message = `Execution '${name}' is starting.`,
  } = current ?? {};
  return { type: READY, status, reason, message };
}

function withStatus(
  job: Job,
  executions: readonly Execution[],
  conditions: Condition[],
  annotations: Record<string, string>,
  now: number,
): Job {
  const [latest] = newestFirst(executions);
  const status = {
    observedGeneration: job.metadata.generation,
    conditions: mergeConditions(job.status?.conditions, conditions, now),
    executionCount: executions.length,
    ...(latest ? { latestCreatedExecution: reference(latest) } : {}),
    ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
  };
  return { ...job, status } as Job;
}

const COMPLETION = {
  pending: 'EXECUTION_PENDING',
  running: 'EXECUTION_RUNNING',
  succeeded: 'EXECUTION_SUCCEEDED',
  failed: 'EXECUTION_FAILED',
  cancelled: 'EXECUTION_CANCELLED',
} as const;

function reference(execution: Execution) {
  const { name, creationTimestamp } = execution.metadata;
  const completionTimestamp = isFinished(execution) ? execution.status?.completionTime : undefined;
  return {
    name,
    creationTimestamp,
    ...(completionTimestamp ? { completionTimestamp } : {}),
    completionStatus: COMPLETION[stateOf(execution)],
  };
}
