/** Conditions of a worker pool (Cloud Run API v1, WorkerPoolStatus); Ready depends on the next two. */
export const WORKER_POOL_CONDITIONS = {
  ready: 'Ready',
  configurationsReady: 'ConfigurationsReady',
  /** Whether as many instances run as there should be, each of the revision that has the share. */
  instancesReady: 'InstancesReady',
  /**
   * Only there, and True, when Cloud Run would reject what runs here; of severity Warning, it leaves Ready alone. A
   * False one would make Argo CD take the object for degraded.
   */
  cloudRunIncompatible: 'CloudRunIncompatible',
} as const;

/** Why a worker pool is not ready, besides the reasons of its revisions and of containers that exit. */
export const WORKER_POOL_REASONS = {
  /** The pool breaks the contract; the message says where. */
  invalidArgument: 'InvalidArgument',
  /** A split names a revision that the pool does not have. */
  revisionMissing: 'RevisionMissing',
  /** A revision with a share does not start; its share stays where it was. */
  revisionFailed: 'RevisionFailed',
  /** Instances start, or move from one revision to another. */
  deploying: 'Deploying',
  /** No instance is asked for. */
  noInstances: 'NoInstances',
} as const;
