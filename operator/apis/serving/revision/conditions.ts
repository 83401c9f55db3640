/** Conditions of a revision (Cloud Run API v1, RevisionStatus); Ready depends on the next two. */
export const REVISION_CONDITIONS = {
  ready: 'Ready',
  containerHealthy: 'ContainerHealthy',
  resourcesAvailable: 'ResourcesAvailable',
  /** Whether there are instances; of severity Info, it leaves Ready alone. */
  active: 'Active',
  /** Only there, and False, while an instance shows that it had too little; of severity Warning, it leaves Ready alone. */
  memorySufficient: 'MemorySufficient',
} as const;

/** Why a revision cannot serve. A container that exits has its own reason, see {@link exitCodeReason}. */
export const REVISION_REASONS = {
  resolvingDigests: 'ResolvingDigests',
  containerMissing: 'ContainerMissing',
  deploying: 'Deploying',
  /** The container did not pass its startup probe in time. */
  healthCheckContainerError: 'HealthCheckContainerError',
  progressDeadlineExceeded: 'ProgressDeadlineExceeded',
  outOfMemory: 'OutOfMemory',
  /** The container runtime found no such program, or could not run it. */
  startError: 'StartError',
  serviceAccountMissing: 'ServiceAccountMissing',
  noTraffic: 'NoTraffic',
  /** A worker pool gives it no share of its instances. */
  noInstances: 'NoInstances',
} as const;

/** The reason of a container that exited, such as `ExitCode1`. */
export function exitCodeReason(exitCode: number): string {
  return `ExitCode${exitCode}`;
}
