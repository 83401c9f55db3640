import { conditionOf } from '../../apis/condition.ts';
import {
  EXECUTION_REASONS as REASONS,
  EXECUTION_CONDITIONS as TYPES,
} from '../../apis/run/execution/conditions.ts';
import type { Execution } from '../../apis/run/execution/types.ts';
import type { Pod } from '../../kube/core.ts';
import { type ExecutionSeries, executionDuration, taskDuration, taskStart } from '../../telemetry/metrics.ts';
import { isFinished } from './completion.ts';

/** The state of an execution, as a label of metrics. */
export type ExecutionState = 'pending' | 'running' | 'succeeded' | 'failed' | 'cancelled';

/** The state of an execution, from its conditions. */
export function stateOf({ status }: Execution): ExecutionState {
  const completed = conditionOf(status?.conditions, TYPES.completed);
  if (completed?.status === 'True') return 'succeeded';
  if (completed?.status === 'False') return completed.reason === REASONS.cancelled ? 'cancelled' : 'failed';
  return conditionOf(status?.conditions, TYPES.started)?.status === 'True' ? 'running' : 'pending';
}

/** What metrics count of an execution. */
export function seriesOf(execution: Execution): ExecutionSeries {
  const state = stateOf(execution);
  if (isFinished(execution)) return { state, tasks: {} };
  const { runningCount = 0, succeededCount = 0, failedCount = 0, retriedCount = 0 } = execution.status ?? {};
  const pending = Math.max((execution.spec?.taskCount ?? 1) - runningCount - succeededCount - failedCount, 0);
  return {
    state,
    tasks: {
      pending,
      running: runningCount,
      succeeded: succeededCount,
      failed: failedCount,
      retried: retriedCount,
    },
  };
}

/** Counts the end of an execution, once: when its status changes from open to final. */
export function recordExecution(execution: Execution, old: Execution | undefined): void {
  if (!old || isFinished(old) || !isFinished(execution)) return;
  const { startTime, completionTime } = execution.status ?? {};
  if (!startTime || !completionTime) return;
  executionDuration.observe({ result: stateOf(execution) }, secondsBetween(startTime, completionTime));
}

/** Counts the start and the end of a task's attempt, once: when its pod changes to show it. */
export function recordTask(pod: Pod, old: Pod | undefined): void {
  const started = startedAt(pod);
  const created = pod.metadata.creationTimestamp;
  if (started && created && old && !startedAt(old)) taskStart.observe(secondsBetween(created, started));
  const { phase } = pod.status ?? {};
  if (phase !== 'Succeeded' && phase !== 'Failed') return;
  if (!old || old.status?.phase === phase) return;
  const finished = mainState(pod)?.terminated?.finishedAt;
  const result = phase === 'Succeeded' ? 'succeeded' : 'failed';
  if (started && finished) taskDuration.observe({ result }, secondsBetween(started, finished));
}

function startedAt(pod: Pod): string | undefined {
  const state = mainState(pod);
  return state?.running?.startedAt ?? state?.terminated?.startedAt;
}

function mainState({ status }: Pod) {
  return status?.containerStatuses?.[0]?.state;
}

function secondsBetween(from: string, to: string): number {
  return Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000);
}
