import { conditionOf, isFalse } from '../../apis/condition.ts';
import {
  EXECUTION_REASONS as REASONS,
  EXECUTION_CONDITIONS as TYPES,
} from '../../apis/run/execution/conditions.ts';
import type { Execution } from '../../apis/run/execution/types.ts';
import type { BatchJob } from '../../kube/core.ts';
import { failureMessage } from '../diagnosis/taskFailure.ts';
import type { Tasks } from './tasks.ts';

/** How an execution ended. */
export interface Completion {
  status: 'True' | 'False';
  reason?: string;
  message?: string;
  /** RFC 3339; now when missing. */
  at?: string;
}

/** How long the end of a failed execution waits for the pod that says why. */
const EXPLAIN_MS = 5000;

/** Whether an execution has ended: its status is final then. */
export function isFinished({ status }: Execution): boolean {
  const completed = conditionOf(status?.conditions, TYPES.completed);
  return completed !== undefined && completed.status !== 'Unknown';
}

/**
 * The end that the batch/v1 Job has come to: all tasks succeeded, one failed for good, or it was stopped and its pods
 * are gone; undefined while it goes on.
 */
export function completionOf(
  execution: Execution,
  { spec, status }: BatchJob,
  tasks: Tasks,
  cancelled: Completion | undefined,
  now: number,
): Completion | 'unexplained' | undefined {
  const finished = (type: string) =>
    status?.conditions?.find((condition) => condition.type === type && condition.status === 'True');
  const complete = finished('Complete');
  if (complete) return { status: 'True', at: status?.completionTime ?? complete.lastTransitionTime };
  const failed = finished('Failed');
  if (failed) return failureEnd(execution, failed, tasks, now);
  const drained = !status?.active && !status?.terminating && tasks.alive === 0;
  if (!spec?.suspend || !finished('Suspended') || !drained) return undefined;
  if (cancelled) return cancelled;
  const started = conditionOf(execution.status?.conditions, TYPES.started);
  if (isFalse(started)) return { status: 'False', reason: started?.reason, message: started?.message };
  return undefined;
}

function failureEnd(
  { metadata }: Execution,
  { message, reason, lastTransitionTime }: { message?: string; reason?: string; lastTransitionTime?: string },
  { failedIndexes, failures }: Tasks,
  now: number,
): Completion | 'unexplained' {
  const index = failedIndexes.find((each) => failures.has(each));
  const failure = index === undefined ? undefined : failures.get(index);
  if (index !== undefined && failure) {
    const { reason } = failure;
    return {
      status: 'False',
      reason,
      message: failureMessage(metadata.name, index, failure),
      at: lastTransitionTime,
    };
  }
  if (now - Date.parse(lastTransitionTime ?? '') < EXPLAIN_MS) return 'unexplained';
  const [first] = failedIndexes;
  if (first === undefined) return { status: 'False', reason, message, at: lastTransitionTime };
  const lost = `Task ${metadata.name}-task${first} failed with message: Its pod was deleted before it ended.`;
  return { status: 'False', reason: REASONS.taskFailed, message: lost, at: lastTransitionTime };
}
