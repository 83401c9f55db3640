import { conditionOf, mergeConditions } from '../../apis/condition.ts';
import { errorMessage } from '../../apis/fieldError.ts';
import {
  EXECUTION_REASONS as REASONS,
  EXECUTION_CONDITIONS as TYPES,
} from '../../apis/run/execution/conditions.ts';
import { completeExecution, isComplete } from '../../apis/run/execution/fromJob.ts';
import { type CompleteExecution, EXECUTIONS, type Execution } from '../../apis/run/execution/types.ts';
import { validateExecution } from '../../apis/run/execution/validation.ts';
import type { Job } from '../../apis/run/job/types.ts';
import { isControlledBy } from '../../kube/owner.ts';
import { NO_CHANGES, type Plan } from '../../kube/plan.ts';
import { timestamp } from '../../kube/time.ts';

/** Whether an execution is as admission makes it: nothing is missing, and it belongs to its job. */
export function isDefaulted(execution: Execution, job: Job | undefined): execution is CompleteExecution {
  return isComplete(execution) && (!job || isControlledBy(execution, job.metadata.uid ?? ''));
}

/**
 * For an execution made by hand whose job no webhook has looked up (docs/adr/0017-lookups-at-a-secret-path.md): fills in what
 * it leaves out, or reports all that is wrong with it.
 * Nothing is started before that is stored, so that a change of the job meanwhile cannot change what runs.
 */
export function planDefaults(execution: Execution, job: Job | undefined, now: number): Plan<Execution> {
  const errors = validateExecution(execution, undefined, { job }).filter(({ strict }) => !strict);
  // That there is no job is one of the errors.
  if (errors.length > 0 || !job) return planInvalid(execution, errorMessage(errors), now);
  const { metadata, spec } = completeExecution(execution, job);
  const { labels, annotations, ownerReferences } = metadata;
  const patch = { metadata: { labels, annotations, ownerReferences }, spec };
  return { ...NO_CHANGES, change: [{ type: EXECUTIONS, object: execution, patch }] };
}

function planInvalid(execution: Execution, message: string, now: number): Plan<Execution> {
  const before = execution.status?.conditions;
  const reason = REASONS.invalidArgument;
  const completed = { type: TYPES.completed, status: 'False', reason, message } as const;
  const status = {
    observedGeneration: execution.metadata.generation,
    completionTime: execution.status?.completionTime ?? timestamp(now),
    conditions: mergeConditions(before, [completed], now),
  };
  const isNews = conditionOf(before, TYPES.completed)?.status !== 'False';
  return {
    apply: [],
    remove: [],
    status: { ...execution, status },
    events: isNews ? [{ type: 'Warning', reason, message }] : [],
  };
}
