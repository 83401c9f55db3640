import { type Condition, conditionOf, isFalse, isTrue, READY } from '../../condition.ts';

/** Conditions of a revision (Cloud Run API v1, RevisionStatus); Ready depends on the next two. */
export const REVISION_CONDITIONS = {
  ready: 'Ready',
  containerHealthy: 'ContainerHealthy',
  resourcesAvailable: 'ResourcesAvailable',
  /** Whether there are instances; of severity Info, so it does not affect Ready. */
  active: 'Active',
  /** Set, to False, only while an instance ran out of memory; of severity Warning, so it does not affect Ready. */
  memorySufficient: 'MemorySufficient',
  /**
   * Set on a revision whose instances follow a base image: whether they have the one that the registry has now. Cloud Run
   * shows a condition of this name and severity, Info, on services with a base image.
   */
  baseImageValidated: 'BaseImageValidated',
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
  /** The container runtime could not find or execute the program. */
  startError: 'StartError',
  serviceAccountMissing: 'ServiceAccountMissing',
  /** The archive of its source is not unpacked, or not there. */
  sourceRefused: 'SourceRefused',
  sourceUnavailable: 'SourceUnavailable',
  /** The registry does not say what the base image is now, and instances keep the one that they have. */
  baseImageKept: 'BaseImageKept',
  noTraffic: 'NoTraffic',
  /** It has no share of its worker pool's instances. */
  noInstances: 'NoInstances',
} as const;

/** Whether a revision has been ready and can be used. */
export function isReady({ status }: { status?: { conditions?: Condition[] } }): boolean {
  return isTrue(conditionOf(status?.conditions, READY));
}

/** The reason of a container that exited, such as `ExitCode1`. */
export function exitCodeReason(exitCode: number): string {
  return `ExitCode${exitCode}`;
}

/**
 * The reason why no instance of a revision can start; undefined while some run or are starting, and while none is
 * wanted.
 */
export function whyNoneStarts(conditions: readonly Condition[] | undefined): string | undefined {
  const active = conditionOf(conditions, REVISION_CONDITIONS.active);
  if (!active || !isFalse(active)) return undefined;
  const { noTraffic, noInstances } = REVISION_REASONS;
  return active.reason === noTraffic || active.reason === noInstances ? undefined : active.reason;
}
