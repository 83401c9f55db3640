import { RUN as LABELS } from '../../../apis/labels.ts';
import { CONDITIONS, TERMINAL_CONDITIONS } from './condition.ts';
import { field, group, type Lens, type Path, shown } from './lens.ts';
import { TIME } from './value.ts';

/** The status of a job. */
export const JOB_STATUS: readonly Lens[] = [
  ...TERMINAL_CONDITIONS,
  shown('executionCount', ['status', 'executionCount']),
  group(
    'latestCreatedExecution',
    shown('name', ['status', 'latestCreatedExecution', 'name']),
    shown('createTime', ['status', 'latestCreatedExecution', 'creationTimestamp'], TIME),
    shown('completionTime', ['status', 'latestCreatedExecution', 'completionTimestamp'], TIME),
    shown('deleteTime', ['status', 'latestCreatedExecution', 'deletionTimestamp'], TIME),
    shown('completionStatus', ['status', 'latestCreatedExecution', 'completionStatus']),
  ),
];

/** Tokens that start an execution. */
export const TOKENS: readonly Lens[] = [
  field('startExecutionToken', ['spec', 'startExecutionToken']),
  field('runExecutionToken', ['spec', 'runExecutionToken']),
];

/** How many tasks, and how many at once. */
export function tasks(spec: Path): Lens[] {
  return [field('parallelism', [...spec, 'parallelism']), field('taskCount', [...spec, 'taskCount'])];
}

/** The status of an execution. */
export const EXECUTION_STATUS: readonly Lens[] = [
  CONDITIONS,
  shown('job', ['metadata', 'labels', LABELS.job]),
  shown('startTime', ['status', 'startTime'], TIME),
  shown('completionTime', ['status', 'completionTime'], TIME),
  ...['runningCount', 'succeededCount', 'failedCount', 'cancelledCount', 'retriedCount'].map((name) =>
    shown(name, ['status', name]),
  ),
  shown('logUri', ['status', 'logUri']),
];

/** The status of a task. */
export const TASK_STATUS: readonly Lens[] = [
  CONDITIONS,
  shown('job', ['metadata', 'labels', LABELS.job]),
  shown('execution', ['metadata', 'labels', LABELS.execution]),
  shown('scheduledTime', ['status', 'scheduledTime'], TIME),
  shown('startTime', ['status', 'startTime'], TIME),
  shown('completionTime', ['status', 'completionTime'], TIME),
  shown('index', ['status', 'index']),
  shown('retried', ['status', 'retried']),
  group(
    'lastAttemptResult',
    shown('exitCode', ['status', 'lastAttemptResult', 'exitCode']),
    shown('termSignal', ['status', 'lastAttemptResult', 'termSignal']),
    group(
      'status',
      shown('code', ['status', 'lastAttemptResult', 'status', 'code']),
      shown('message', ['status', 'lastAttemptResult', 'status', 'message']),
    ),
  ),
  shown('logUri', ['status', 'logUri']),
];
