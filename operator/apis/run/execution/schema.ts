import { Type } from 'typebox';
import { choice, int32, list, text } from '../../schema.ts';
import { statusFields } from '../../serving/statusSchema.ts';
import { MAX_TASKS } from '../task/schema.ts';

const count = (what: string) => int32(0, MAX_TASKS, { description: `Tasks that ${what}.` });

/** Most tasks that a status lists: the whole of it must stay small with 10,000 tasks. */
export const MAX_LISTED_TASKS = 100;

/** States of a task as Cloud Run names them (label run.googleapis.com/runningState). */
const TASK_STATES = ['Pending', 'Running', 'Succeeded', 'Failed', 'Cancelled', 'Abandoned'] as const;

const Task = Type.Object({
  index: Type.Integer({
    description: 'Index of the task, from 0.',
    format: 'int32',
    minimum: 0,
    maximum: MAX_TASKS - 1,
  }),
  attempt: int32(0, 2 ** 31 - 1, { description: 'Which attempt this is, from 0.' }),
  state: choice(TASK_STATES, { description: 'How far the task has come.' }),
  exitCode: int32(0, 255, { description: 'Exit code of the last attempt that ended.' }),
  pod: text(253, { description: 'Pod of the last attempt.' }),
  message: text(1024, { description: 'Why the last attempt failed.' }),
});

/** `status` of an execution. */
export const ExecutionStatusSchema = Type.Object(
  {
    ...statusFields,
    startTime: text(64, { description: 'When it was started (RFC 3339).' }),
    completionTime: text(64, { description: 'When it ended (RFC 3339).' }),
    duration: text(64, { description: 'Time from start to end; set at the end.' }),
    runningCount: count('run now'),
    succeededCount: count('succeeded'),
    failedCount: count('failed for good'),
    cancelledCount: count('were cancelled'),
    retriedCount: count('were tried more than once'),
    logUri: text(2048, { description: 'Where the logs are.' }),
    tasks: list(Task, MAX_LISTED_TASKS, { description: 'Tasks worth a look.' }),
  },
  { description: 'What is known of the execution.' },
);
