/** Conditions of an execution (Cloud Run API v1, ExecutionStatus), in the order in which they come true. */
export const EXECUTION_CONDITIONS = {
  /** The images are resolved. */
  containerReady: 'ContainerReady',
  resourcesAvailable: 'ResourcesAvailable',
  /** A task has started. */
  started: 'Started',
  /** True when all tasks have succeeded; False when a task has failed permanently or the execution was cancelled. */
  completed: 'Completed',
  /** A failed attempt is retried; of severity Info. */
  retry: 'Retry',
} as const;

/** Why an execution has not completed, or never will. */
export const EXECUTION_REASONS = {
  resolvingDigests: 'ResolvingDigests',
  containerMissing: 'ContainerMissing',
  deploying: 'Deploying',
  unschedulable: 'Unschedulable',
  /** Its spec is invalid. */
  invalidArgument: 'InvalidArgument',
  /** The batch/v1 Job was deleted while tasks were running. */
  deleted: 'Deleted',
  immediateRetry: 'ImmediateRetry',
  cancelling: 'Cancelling',
  cancelled: 'Cancelled',
  nonZeroExitCode: 'NonZeroExitCode',
  timeout: 'TimeoutReached',
  outOfMemory: 'OutOfMemory',
  /** The container runtime could not find or execute the program. */
  startError: 'StartError',
  taskFailed: 'TaskFailed',
} as const;
