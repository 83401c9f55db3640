import type { Execution } from '../../apis/run/execution/types.ts';
import { isFinished } from '../execution/completion.ts';

/** Executions from the newest to the oldest. */
export function newestFirst(executions: readonly Execution[]): Execution[] {
  return executions.toSorted((a, b) => {
    const [left = '', right = ''] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp];
    if (left !== right) return left < right ? 1 : -1;
    return a.metadata.name < b.metadata.name ? 1 : -1;
  });
}

/** Those that have ended, beyond the number that is kept: the oldest ones. One that goes on is never among them. */
export function expiredExecutions(executions: readonly Execution[], limit: number): Execution[] {
  return newestFirst(executions)
    .filter((execution) => isFinished(execution) && !execution.metadata.deletionTimestamp)
    .slice(limit);
}
