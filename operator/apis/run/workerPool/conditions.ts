/** Conditions of a worker pool (Cloud Run API v1, WorkerPoolStatus); Ready depends on the next two. */
export const WORKER_POOL_CONDITIONS = {
  ready: 'Ready',
  configurationsReady: 'ConfigurationsReady',
  /** Whether the desired number of instances runs, in the revisions that the splits name. */
  instancesReady: 'InstancesReady',
  /**
   * Set, to True, only when Cloud Run would reject the object; of severity Warning, so it does not affect Ready. With
   * False, Argo CD would report the object as degraded.
   */
  cloudRunIncompatible: 'CloudRunIncompatible',
} as const;

/** Why a worker pool is not ready, besides the reasons of its revisions and of containers that exit. */
export const WORKER_POOL_REASONS = {
  /** The pool is invalid; the message names the fields. */
  invalidArgument: 'InvalidArgument',
  /** A split names a revision that the pool does not have. */
  revisionMissing: 'RevisionMissing',
  /** A revision with a share does not start; the instances stay in the previous revision. */
  revisionFailed: 'RevisionFailed',
  /** Instances are starting or moving from one revision to another. */
  deploying: 'Deploying',
  /** The desired number of instances is 0. */
  noInstances: 'NoInstances',
} as const;
