import { type Condition, conditionOf, isFalse } from '../../condition.ts';

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

/**
 * Why no instance of a revision can start, in one word; undefined while some run or only take their time, and while
 * nobody asks for any.
 */
export function whyNoneStarts(conditions: readonly Condition[] | undefined): string | undefined {
  const active = conditionOf(conditions, REVISION_CONDITIONS.active);
  if (!active || !isFalse(active)) return undefined;
  const { noTraffic, noInstances } = REVISION_REASONS;
  return active.reason === noTraffic || active.reason === noInstances ? undefined : active.reason;
}
