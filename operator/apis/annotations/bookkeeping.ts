/** Annotations by which controllers remember something. Users do not set them, so they are in no table. */
export const BOOKKEEPING = {
  /** In the status of a Job: the values of the tokens and of annotation run whose execution has been created. */
  startTokenDone: 'homerun.dev/start-token-done',
  runTokenDone: 'homerun.dev/run-token-done',
  /** In the status of a Job: the time up to which its schedule has been kept, and the schedule. */
  scheduleKept: 'homerun.dev/schedule-kept',
  /** In the status of a WorkerPool: the highest revision number seen, whose revision may have been deleted since. */
  lastRevisionNumber: 'homerun.dev/last-revision-number',
  /** In the status of a Route: configuration -> the roll-out of its latest revision that is in progress, as JSON. */
  rollout: 'homerun.dev/rollout',
  /** In the status of a Revision whose instances follow a base image: when the registry last said what it is. */
  baseImageChecked: 'homerun.dev/base-image-checked',
  /** On a Deployment: the hash of what its pod template was made from. */
  templateHash: 'homerun.dev/template-hash',
  /** On a Deployment: when Kubernetes was last asked to create its pods after all. */
  askedAgain: 'homerun.dev/asked-again',
  /** On a pod created with more CPU: container -> the CPU limit that it gets later, as JSON. */
  startupCpuBoost: 'homerun.dev/startup-cpu-boost',
  /** On a pod whose CPU request has been lowered while it was idle: container -> the request that it gets back, as JSON. */
  idleCpu: 'homerun.dev/idle-cpu',
  /** On a pod: when its eviction was first requested. */
  evictionRequestedAt: 'homerun.dev/eviction-requested-at',
  /** On the Job of a build: what is built, as JSON, and when it was cancelled. */
  buildRequest: 'homerun.dev/build-request',
  buildCancelled: 'homerun.dev/build-cancelled',
  /** On the pod of a build: the builder's configuration file, and the start of the keys of its variables. */
  buildConfig: 'homerun.dev/build-config',
  buildVariable: 'homerun.dev/build-variable-',
} as const;
