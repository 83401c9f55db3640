/** Conditions of an execution (Cloud Run API v1, ExecutionStatus), in the order in which they come true. */
export const EXECUTION_CONDITIONS = {
  /** The images are known. */
  containerReady: 'ContainerReady',
  resourcesAvailable: 'ResourcesAvailable',
  /** A task has started. */
  started: 'Started',
  /** True when all tasks have succeeded; False when one has failed for good or they were cancelled. */
  completed: 'Completed',
  /** A failed attempt that is tried again; of severity Info. */
  retry: 'Retry',
} as const;

/** Why an execution has not completed, or never will. */
export const EXECUTION_REASONS = {
  resolvingDigests: 'ResolvingDigests',
  containerMissing: 'ContainerMissing',
  deploying: 'Deploying',
  unschedulable: 'Unschedulable',
  /** What it asks for breaks the contract. */
  invalidArgument: 'InvalidArgument',
  /** Somebody removed the batch/v1 Job while tasks were running. */
  deleted: 'Deleted',
  immediateRetry: 'ImmediateRetry',
  cancelling: 'Cancelling',
  cancelled: 'Cancelled',
  nonZeroExitCode: 'NonZeroExitCode',
  timeout: 'TimeoutReached',
  outOfMemory: 'OutOfMemory',
  /** The container runtime found no such program, or could not run it. */
  startError: 'StartError',
  taskFailed: 'TaskFailed',
} as const;
