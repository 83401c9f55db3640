import {
  type Condition,
  conditionOf,
  isFalse,
  isTrue,
  mergeConditions,
  READY,
  readyOf,
} from '../../apis/condition.ts';
import { SERVING } from '../../apis/labels.ts';
import {
  REVISION_REASONS as REASONS,
  REVISION_CONDITIONS as TYPES,
} from '../../apis/serving/revision/conditions.ts';
import type { Revision } from '../../apis/serving/revision/types.ts';
import type { Config } from '../../config.ts';
import { type Deployment, PODS, type Pod } from '../../kube/core.ts';
import { deepEqual } from '../../kube/json.ts';
import type { Plan } from '../../kube/plan.ts';
import { hasEnded } from '../../kube/pod.ts';
import type { KubeObject } from '../../kube/types.ts';
import type { DigestState } from '../../registry/resolver.ts';
import { digestMessage, pinnedImages } from '../instance/digests.ts';
import { isSpent, type MemoryKill, memoryConditions } from '../instance/memory.ts';
import { judgeStart, type Start } from '../instance/start.ts';
import { pending, type RefusalInput, withRefusal } from '../refused.ts';
import { passingMs } from '../verdict.ts';
import { desiredDeployment, madeAtZero, type Offer, surroundingsOf } from './deployment.ts';
import { askingAgain, replicaFailure } from './replicaFailure.ts';

/** Everything that the plan of a revision depends on, read before and at once. */
export interface RevisionInput extends Offer {
  revision: Revision;
  deployment?: Deployment;
  pods: Pod[];
  /** What can be seen of instances that took too much memory. */
  kills?: readonly MemoryKill[];
  /** UIDs of pods whose startup probe has passed. */
  passed: ReadonlySet<string>;
  /** Whether there is a service account now that the cluster has refused pods for. */
  accountMade?: boolean;
  /** Container name -> what is known of its image's digest. */
  digests: ReadonlyMap<string, DigestState>;
  /** Whether a route serves it or is to serve it. */
  routed: boolean;
  /** Whether it is ready without an instance: nobody asks for one before the first request. */
  startsAtZero?: boolean;
  /** Set for a revision of a worker pool, whose reconciler makes the Deployment. */
  pool?: {
    /** Whether another revision of the pool has proven itself: this one must run for a while before it replaces it. */
    replaces: boolean;
  };
}

/**
 * What a revision needs: its images pinned to digests, one Deployment, and a status that says whether it can
 * take traffic. Once it has been ready it stays so: a later crash is the instance's matter, not the revision's.
 */
export function planRevision(input: RevisionInput, config: Config, now: number): Plan<Revision> {
  const { revision } = input;
  const images = pinnedImages(revision.spec, input.digests);
  const unresolved = [...input.digests].find(([, state]) => state.state !== 'resolved');
  const start = judgeStart({
    containers: revision.spec.containers,
    pods: input.pods,
    passed: input.passed,
    now,
    config,
    ingress: input.pool === undefined,
    // A pool's first revision replaces nothing: it is ready as soon as it runs, as a Deployment is. To wait with that
    // would cost every new pool the time in which few programs end; one that does says so in InstancesReady.
    settleMs: input.pool?.replaces ? config.startup.crashSeconds * 1000 : 0,
  });
  const conditions = conditionsOf(input, unresolved, start);
  const again = askingAgain(input, input.accountMade ?? false, now);
  const status = statusOf(input, images, mergeConditions(revision.status?.conditions, conditions, now));
  return {
    ...(unresolved ? { apply: [] } : deployments(input, images, config)),
    change: again.change,
    remove: [...remains(input), ...spent(input, now)].map(removal),
    labels: routingState(input),
    status: { ...revision, status },
    statusWaitMs: statusWait(input, status),
    events: eventsOf(revision, conditions),
    requeueAfterMs: again.requeueAfterMs ?? recheckAfter(unresolved?.[1], start, now),
  };
}

/** How long the numbers of instances wait when nothing else has changed; while instances come and go they always do. */
const COUNTS_MS = 5_000;

function statusWait({ revision, pool }: RevisionInput, status: Revision['status']): number | undefined {
  const withoutCounts = (of: Revision['status']) => ({ ...of, actualReplicas: 0, desiredReplicas: 0 });
  if (deepEqual(withoutCounts(revision.status), withoutCounts(status))) return COUNTS_MS;
  // The roll-out of a worker pool goes by what its revisions say.
  return pool ? undefined : passingMs(revision.status, status);
}

/** What a revision says while the cluster refuses its Deployment; one that has been ready stays so. */
export function refusedRevision(input: RefusalInput): KubeObject | undefined {
  if (pending(input.planned, [TYPES.ready]).length === 0) return undefined;
  return withRefusal(input, [TYPES.resourcesAvailable, TYPES.ready]);
}

/**
 * Ended pods: nobody starts them again, and Kubernetes itself keeps them by the thousand. The newest one stays, for
 * whoever asks what became of it.
 */
function remains({ pods }: RevisionInput): Pod[] {
  const created = ({ metadata }: Pod) => Date.parse(metadata.creationTimestamp ?? '');
  return pods
    .filter((pod) => hasEnded(pod) && !pod.metadata.deletionTimestamp)
    .sort((a, b) => created(b) - created(a))
    .slice(1);
}

/** Instances that are to be replaced; those of a revision that never worked prove that, and stay. */
function spent({ pods, revision }: RevisionInput, now: number): Pod[] {
  if (!isTrue(conditionOf(revision.status?.conditions, TYPES.containerHealthy))) return [];
  return pods.filter((pod) => !pod.metadata.deletionTimestamp && isSpent(pod, now));
}

function removal({ metadata }: Pod): Plan['remove'][number] {
  return { type: PODS, ref: metadata, uid: metadata.uid };
}

/**
 * The revision's label that tells whether traffic can reach it: `active` while a route names it, `reserve` from then on
 * (Knative API, Revision: routingState). Nothing is written for a revision that no route has named yet.
 */
function routingState({ revision, routed }: RevisionInput): Record<string, string> {
  if (routed) return { [SERVING.routingState]: 'active' };
  return revision.metadata.labels?.[SERVING.routingState] ? { [SERVING.routingState]: 'reserve' } : {};
}

/** The Deployment of a service's revision: kept as it should be, and made without instances where none is asked for. */
function deployments(
  input: RevisionInput,
  images: ReadonlyMap<string, string>,
  config: Config,
): Pick<Plan, 'apply' | 'create'> {
  const { revision, deployment, pool, startsAtZero } = input;
  if (pool) return { apply: [] };
  const desired = desiredDeployment(revision, images, config, surroundingsOf(revision, deployment, input));
  return startsAtZero && !deployment ? { apply: [], create: [madeAtZero(desired)] } : { apply: [desired] };
}

function conditionsOf(
  input: RevisionInput,
  unresolved: [string, DigestState] | undefined,
  start: Start,
): Condition[] {
  const dependent = unresolved ? digestConditions(unresolved, input.revision) : startConditions(input, start);
  const { kills = [], revision } = input;
  const ready = readyOf(dependent);
  return [
    ...dependent,
    ready,
    activeCondition(input, ready),
    ...memoryConditions(kills, revision.spec.containers),
  ];
}

function digestConditions([container, state]: [string, DigestState], revision: Revision): Condition[] {
  if (state.state === 'failed') {
    const again = state.retryAt === undefined ? '' : ' The registry is asked again by itself.';
    const message = `${digestMessage(container, state)}${again}`;
    return [
      { type: TYPES.containerHealthy, status: 'False', reason: REASONS.containerMissing, message },
      { type: TYPES.resourcesAvailable, status: 'Unknown', reason: REASONS.containerMissing, message },
    ];
  }
  // While the registry is asked again, its last answer is still what there is to say.
  const previous = revision.status?.conditions ?? [];
  if (isFalse(conditionOf(previous, TYPES.containerHealthy))) return startOnly(previous);
  const message = `Asking the registry for the digest of the image of container '${container}'.`;
  return [
    { type: TYPES.containerHealthy, status: 'Unknown', reason: REASONS.resolvingDigests, message },
    { type: TYPES.resourcesAvailable, status: 'Unknown', reason: REASONS.resolvingDigests, message },
  ];
}

/** The two conditions that Ready depends on. */
function startOnly(conditions: readonly Condition[]): Condition[] {
  return conditions.filter(
    ({ type }) => type === TYPES.containerHealthy || type === TYPES.resourcesAvailable,
  );
}

function startConditions(input: RevisionInput, start: Start): Condition[] {
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
  if (start.state === 'none' && healthy?.status === 'False' && !hasNoDigest(input.revision)) {
    return startOnly(previous);
  }
  if (start.state === 'none') return waiting(input);
  if (start.state === 'starting') return deploying(start.reason, start.message);
  const { reason, message } = start;
  return [
    { type: TYPES.containerHealthy, status: 'False', reason, message },
    { type: TYPES.resourcesAvailable, status: 'True' },
  ];
}

/** Whether it failed for want of a digest; once the registry has answered there is something to start. */
export function hasNoDigest({ spec, status }: Pick<Revision, 'spec' | 'status'>): boolean {
  const healthy = conditionOf(status?.conditions, TYPES.containerHealthy);
  if (healthy?.status !== 'False' || healthy.reason !== REASONS.containerMissing) return false;
  return status?.containerStatuses?.length !== spec.containers.length;
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

/** Informational: whether instances are there. Its severity keeps it out of Ready (Knative API, Conditions). */
function activeCondition({ deployment, pool, startsAtZero }: RevisionInput, ready: Condition): Condition {
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
  return { type, severity, status: 'Unknown', reason: REASONS.deploying, message: 'Instances are starting.' };
}

function statusOf(
  { revision, deployment, digests }: RevisionInput,
  images: ReadonlyMap<string, string>,
  conditions: Condition[],
): NonNullable<Revision['status']> {
  const containerStatuses = revision.spec.containers
    .filter(({ name }) => digests.get(name)?.state === 'resolved')
    .map(({ name, image }) => ({ name, imageDigest: images.get(name) ?? image }));
  const pinned = containerStatuses.length === revision.spec.containers.length;
  return {
    observedGeneration: revision.metadata.generation,
    conditions,
    containerStatuses,
    ...(pinned ? { imageDigest: containerStatuses[0]?.imageDigest } : {}),
    actualReplicas: deployment?.status?.readyReplicas ?? 0,
    desiredReplicas: deployment?.spec?.replicas ?? 0,
  };
}

function eventsOf(revision: Revision, conditions: Condition[]): Plan['events'] {
  const before = conditionOf(revision.status?.conditions, READY);
  const ready = conditionOf(conditions, READY);
  if (!ready || before?.status === ready.status) return [];
  if (ready.status === 'True') {
    return [
      {
        type: 'Normal',
        reason: 'RevisionReady',
        message: `Revision '${revision.metadata.name}' became ready.`,
      },
    ];
  }
  if (ready.status !== 'False') return [];
  return [{ type: 'Warning', reason: ready.reason ?? 'RevisionFailed', message: ready.message ?? '' }];
}

function recheckAfter(digest: DigestState | undefined, start: Start, now: number): number | undefined {
  if (digest?.state === 'failed') return digest.retryAt && Math.max(digest.retryAt - now, 1000);
  if (start.state === 'starting' || start.state === 'failed') return start.recheckMs;
  return undefined;
}
