import type { ReferencedObjects } from '../../kind.ts';
import { completeExecution, isComplete, keepStoredExecution } from './fromJob.ts';
import type { Execution } from './types.ts';

/** An execution with everything that it leaves out as its job has it. A complete one that is stored stays as it is. */
export function defaultExecution(
  execution: Execution,
  previous?: Execution,
  referenced?: ReferencedObjects,
): Execution {
  if (previous && isComplete(previous)) return keepStoredExecution(execution, previous);
  if (!referenced?.job?.job) return execution;
  return completeExecution(execution, referenced.job.job);
}
