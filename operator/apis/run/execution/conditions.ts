/** Conditions of an execution (Cloud Run API v1, ExecutionStatus), in the order in which they come true. */
export const EXECUTION_CONDITIONS = {
  resourcesAvailable: 'ResourcesAvailable',
  started: 'Started',
  completed: 'Completed',
  /** A failed attempt that is tried again; of severity Info. */
  retry: 'Retry',
} as const;
