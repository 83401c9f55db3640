import { type Condition, conditionOf, isFalse, isTrue } from '../../apis/condition.ts';
import {
  REVISION_REASONS as REASONS,
  REVISION_CONDITIONS as TYPES,
} from '../../apis/serving/revision/conditions.ts';
import type { Revision } from '../../apis/serving/revision/types.ts';
import type { DigestState } from '../../registry/resolver.ts';
import type { RoleConfig } from '../../roles.ts';
import { isTransient, ruleOfRegistry } from '../diagnosis/failureRules.ts';
import { memoryConditions } from '../diagnosis/memory.ts';
import { replicaFailure } from '../diagnosis/replicaFailure.ts';
import type { Problem, Start } from '../diagnosis/start.ts';
import { digestMessage } from '../pod/digests.ts';
import type { RevisionInput } from './plan.ts';
import { readyDuring, triedAgainAt } from './retry.ts';

/** How far the revision has come. */
export interface Progress {
  /** A container whose image has no digest yet. */
  unresolved?: [container: string, state: DigestState];
  start: Start;
  config: RoleConfig<'controller'>;
  now: number;
}

/** Said of a failure that may go; see `retry.ts`. */
const AGAIN = ' While it is wanted, it is tried again by itself.';

/** What a revision says of itself: whether it can take traffic, whether it has instances, and of their memory. */
export function conditionsOf(input: RevisionInput, progress: Progress): Condition[] {
  const { kills = [], revision } = input;
  const dependent = progress.unresolved
    ? digestConditions(progress.unresolved, revision, progress)
    : startConditions(input, progress);
  const ready = readyDuring(revision, dependent);
  return [
    ...dependent,
    ready,
    activeCondition(input, ready, progress),
    ...memoryConditions(kills, revision.spec.containers),
  ];
}

function digestConditions(
  [container, state]: [string, DigestState],
  revision: Revision,
  progress: Progress,
): Condition[] {
  if (state.state === 'failed') {
    const again = state.retryAt === undefined ? '' : AGAIN;
    const message = `${digestMessage(container, state)}${again}`;
    if (digestLeftMs(state, revision, progress) > 0) return deploying(REASONS.containerMissing, message);
    return [
      { type: TYPES.containerHealthy, status: 'False', reason: REASONS.containerMissing, message },
      { type: TYPES.resourcesAvailable, status: 'Unknown', reason: REASONS.containerMissing, message },
    ];
  }
  // While the registry is asked again, its last answer is still what there is to say.
  const previous = revision.status?.conditions ?? [];
  const healthy = conditionOf(previous, TYPES.containerHealthy);
  if (isFalse(healthy) || healthy?.reason === REASONS.containerMissing) return startOnly(previous);
  const message = `Asking the registry for the digest of the image of container '${container}'.`;
  return deploying(REASONS.resolvingDigests, message);
}

/** How long what the registry says is still waited out. */
export function digestLeftMs(
  { error }: Extract<DigestState, { state: 'failed' }>,
  { metadata }: Revision,
  { config, now }: Pick<Progress, 'config' | 'now'>,
): number {
  const until =
    Date.parse(metadata.creationTimestamp ?? '') + config.startup[ruleOfRegistry(error).limit] * 1000;
  return until - now;
}

/** The two conditions that Ready depends on. */
function startOnly(conditions: readonly Condition[]): Condition[] {
  return conditions.filter(
    ({ type }) => type === TYPES.containerHealthy || type === TYPES.resourcesAvailable,
  );
}

function startConditions(input: RevisionInput, { start, now }: Progress): Condition[] {
  const previous = input.revision.status?.conditions ?? [];
  const healthy = conditionOf(previous, TYPES.containerHealthy);
  const isAsleep = input.startsAtZero && start.state === 'none' && !isFalse(healthy);
  if (isTrue(healthy) || isAsleep || start.state === 'started') {
    return [
      { type: TYPES.containerHealthy, status: 'True' },
      { type: TYPES.resourcesAvailable, status: 'True' },
    ];
  }
  const refused = replicaFailure(input);
  if (refused) {
    return [
      { type: TYPES.containerHealthy, status: 'Unknown', reason: REASONS.deploying },
      { type: TYPES.resourcesAvailable, status: 'False', ...refused },
    ];
  }
  // A failed revision is scaled to zero; without instances, what made it fail is still what there is to say.
  if (start.state === 'none' && healthy?.status === 'False' && !wasUnresolved(input.revision, healthy)) {
    const again = retryAt(input);
    return again !== undefined && again <= now ? waiting(input) : startOnly(previous);
  }
  if (start.state === 'none') return waiting(input);
  if (start.state === 'starting') return deploying(start.reason, start.message);
  const { reason } = start;
  const again = isTransient(start) ? AGAIN : '';
  const message = `${start.message}${again}`;
  return [
    { type: TYPES.containerHealthy, status: 'False', reason, message },
    { type: TYPES.resourcesAvailable, status: 'True' },
  ];
}

/** Whether it failed for want of a digest: the registry has answered since, or there would be nothing to start. */
function wasUnresolved({ spec, status }: Revision, { reason }: Condition): boolean {
  return reason === REASONS.containerMissing && status?.containerStatuses?.length !== spec.containers.length;
}

function waiting({ pool, deployment }: RevisionInput): Condition[] {
  if (!pool || deployment?.spec?.replicas) return deploying(REASONS.deploying, 'Instances are starting.');
  return deploying(
    REASONS.noInstances,
    'The worker pool gives it no instances; it is tried when it gets some.',
  );
}

function deploying(reason: string, message: string): Condition[] {
  return [
    { type: TYPES.containerHealthy, status: 'Unknown', reason, message },
    { type: TYPES.resourcesAvailable, status: 'Unknown', reason, message },
  ];
}

/**
 * Informational: whether instances are there, and if not, why. Gateways tell it those whose requests wait in vain. Its severity keeps it out of Ready (Knative API, Conditions).
 */
function activeCondition(input: RevisionInput, ready: Condition, { start }: Progress): Condition {
  const { deployment, pool, startsAtZero } = input;
  const type = TYPES.active;
  const severity = 'Info';
  const wanted = deployment?.spec?.replicas ?? 0;
  const running = deployment?.status?.readyReplicas ?? 0;
  if (isFalse(ready) && running === 0) {
    const message = 'There are no instances: none could start.';
    return { type, severity, status: 'False', reason: ready.reason, message };
  }
  if (wanted === 0 && pool) {
    const message = 'The worker pool gives it no instances.';
    return { type, severity, status: 'False', reason: REASONS.noInstances, message };
  }
  if (wanted === 0 && (deployment || (startsAtZero && isTrue(ready)))) {
    return {
      type,
      severity,
      status: 'False',
      reason: REASONS.noTraffic,
      message: 'No request has come; there are no instances.',
    };
  }
  if (running > 0) return { type, severity, status: 'True' };
  const trouble = replicaFailure(input) ?? troubleOf(start);
  if (trouble) {
    const { reason, message } = trouble;
    // A node may be on its way; until then it is a limit that keeps instances out, not a failure.
    if (UNPLACED.has(reason)) return { type, severity, status: 'Unknown', reason, message };
    return { type, severity, status: 'False', reason, message: `There are no instances: ${message}` };
  }
  return { type, severity, status: 'Unknown', reason: REASONS.deploying, message: 'Instances are starting.' };
}

/** Reasons of a pod that no node has taken yet (Kubernetes, PodScheduled). */
const UNPLACED: ReadonlySet<string> = new Set(['Unschedulable', 'SchedulingGated']);

/** What keeps the instances from starting, whether or not it is still waited out; nothing while they are only slow. */
function troubleOf(start: Start): Problem | undefined {
  const isOpen = start.state === 'starting' || start.state === 'failed';
  return isOpen && start.reason !== REASONS.deploying ? start : undefined;
}

/** When a revision that failed and has no instances any more gets one again. */
export function retryAt({ revision, wanted }: RevisionInput): number | undefined {
  return wanted ? triedAgainAt(revision) : undefined;
}
