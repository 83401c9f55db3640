import type { ReferencedObjects } from '../../kind.ts';
import { completeExecution, isComplete, keepStoredExecution } from './fromJob.ts';
import type { Execution } from './types.ts';

/** An execution with its unset fields taken from its job. A complete stored execution is kept as it is. */
export function defaultExecution(
  execution: Execution,
  previous?: Execution,
  referenced?: ReferencedObjects,
): Execution {
  if (previous && isComplete(previous)) return keepStoredExecution(execution, previous);
  if (!referenced?.job?.job) return execution;
  return completeExecution(execution, referenced.job.job);
}
