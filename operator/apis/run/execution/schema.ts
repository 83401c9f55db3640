import { Type } from 'typebox';
import { choice, int32, list, object, requiredInt32, text } from '../../schema.ts';
import { statusFields } from '../../serving/statusSchema.ts';
import { MAX_TASKS } from '../task/schema.ts';

const count = (what: string) => int32(0, MAX_TASKS, `Tasks that ${what}.`);

/** Maximum number of tasks in a status, which must stay small with 10,000 tasks. */
export const MAX_LISTED_TASKS = 100;

/** States of a task as Cloud Run names them (label run.googleapis.com/runningState). */
const TASK_STATES = ['Pending', 'Running', 'Succeeded', 'Failed', 'Cancelled', 'Abandoned'] as const;

const Task = Type.Object({
  index: requiredInt32(0, MAX_TASKS - 1, 'Index of the task, from 0.'),
  attempt: int32(0, 2 ** 31 - 1, 'Number of the attempt, from 0.'),
  state: choice(TASK_STATES, 'State of the task.'),
  exitCode: int32(0, 255, 'Exit code of the last attempt that ended.'),
  pod: text(253, 'Pod of the last attempt.'),
  message: text(1024, 'Why the last attempt failed.'),
});

/** `status` of an execution. */
export const ExecutionStatusSchema = object('Observed state of the execution.', {
  ...statusFields,
  startTime: text(64, 'Start time (RFC 3339).'),
  completionTime: text(64, 'Completion time (RFC 3339).'),
  duration: text(64, 'Time from start to completion; set on completion.'),
  runningCount: count('are running'),
  succeededCount: count('succeeded'),
  failedCount: count('failed permanently'),
  cancelledCount: count('were cancelled'),
  retriedCount: count('were retried'),
  logUri: text(2048, 'Where the logs are.'),
  tasks: list(
    Task,
    MAX_LISTED_TASKS,
    'Tasks that failed, were retried or are running; all tasks when they are few.',
  ),
});
