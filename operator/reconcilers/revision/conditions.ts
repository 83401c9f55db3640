import { type Condition, conditionOf, isFalse, isTrue } from '../../apis/condition.ts';
import {
  REVISION_REASONS as REASONS,
  REVISION_CONDITIONS as TYPES,
} from '../../apis/serving/revision/conditions.ts';
import type { Diagnosis } from '../diagnosis/chain.ts';
import { memoryConditions } from '../diagnosis/memory.ts';
import type { RevisionInput } from './input.ts';
import { readyDuring } from './retry.ts';

/** How far the instances of a revision have come. */
export interface Progress {
  /** What keeps them from being ready. */
  problem?: Diagnosis;
  /** Whether one has started. */
  started: boolean;
}

/** The conditions of a revision: whether it can take traffic, whether it has instances, and of their memory. */
export function conditionsOf(input: RevisionInput, progress: Progress): Condition[] {
  const { kills = [], revision } = input;
  const dependent = startConditions(input, progress);
  const ready = readyDuring(revision, dependent);
  return [
    ...dependent,
    ready,
    activeCondition(input, ready, progress),
    ...memoryConditions(kills, revision.spec.containers),
  ];
}

/** The two conditions that Ready depends on. Once instances have started they stay True. */
function startConditions(input: RevisionInput, { problem, started }: Progress): Condition[] {
  const isProven = started || needsNoStart(input);
  if (!problem || (isProven && problem.check !== 'image')) return [healthy('True'), available('True')];
  const { check, reason, message, final } = problem;
  if (check === 'creation') {
    return [healthy('Unknown', { reason: REASONS.deploying }), available('False', { reason, message })];
  }
  if (!final) return [healthy('Unknown', { reason, message }), available('Unknown', { reason, message })];
  const isMade = check !== 'image';
  return [
    healthy('False', { reason, message }),
    isMade ? available('True') : available('Unknown', { reason, message }),
  ];
}

/** Whether it is ready whatever its instances do: it has been ready, or none is needed before the first request. */
function needsNoStart({ revision, startsAtZero, pods }: RevisionInput): boolean {
  const reported = conditionOf(revision.status?.conditions, TYPES.containerHealthy);
  if (isTrue(reported)) return true;
  const hasPods = pods.some(({ metadata }) => !metadata.deletionTimestamp);
  return Boolean(startsAtZero) && !hasPods && !isFalse(reported);
}

type Why = Pick<Condition, 'reason' | 'message'>;

function healthy(status: Condition['status'], why: Why = {}): Condition {
  return { type: TYPES.containerHealthy, status, ...why };
}

function available(status: Condition['status'], why: Why = {}): Condition {
  return { type: TYPES.resourcesAvailable, status, ...why };
}

/**
 * Informational: whether instances are there, and if not, why. Gateways pass it on to clients whose requests wait in vain.
 * Its severity keeps it out of Ready (Knative API, Conditions).
 */
function activeCondition(input: RevisionInput, ready: Condition, progress: Progress): Condition {
  return { type: TYPES.active, severity: 'Info', ...activity(input, ready, progress) };
}

function activity(
  { deployment, pool, startsAtZero }: RevisionInput,
  ready: Condition,
  { problem }: Progress,
): Omit<Condition, 'type'> {
  const wanted = deployment?.spec?.replicas ?? 0;
  const running = deployment?.status?.readyReplicas ?? 0;
  if (isFalse(ready) && running === 0) {
    return { status: 'False', reason: ready.reason, message: 'There are no instances: none could start.' };
  }
  if (wanted === 0 && pool) {
    const message = 'The worker pool assigns it no instances.';
    return { status: 'False', reason: REASONS.noInstances, message };
  }
  if (wanted === 0 && (deployment || (startsAtZero && isTrue(ready)))) {
    const message = 'No requests have arrived; there are no instances.';
    return { status: 'False', reason: REASONS.noTraffic, message };
  }
  if (running > 0) return { status: 'True' };
  // An image without a digest is no matter of instances, and what is only slow is no problem.
  if (!problem || problem.check === 'image' || problem.reason === REASONS.deploying) {
    return { status: 'Unknown', reason: REASONS.deploying, message: 'Instances are starting.' };
  }
  const { reason, message } = problem;
  // A node may be on its way; until then it is a limit that keeps instances out, not a failure.
  if (UNPLACED.has(reason)) return { status: 'Unknown', reason, message };
  return { status: 'False', reason, message: `There are no instances: ${message}` };
}

/** Reasons of a pod that no node has taken yet (Kubernetes, PodScheduled). */
const UNPLACED: ReadonlySet<string> = new Set(['Unschedulable', 'SchedulingGated']);
