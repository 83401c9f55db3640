import { type Condition, conditionOf, isTrue, mergeConditions, READY } from '../../apis/condition.ts';
import { SERVING } from '../../apis/labels.ts';
import { REVISION_CONDITIONS as TYPES } from '../../apis/serving/revision/conditions.ts';
import type { Revision } from '../../apis/serving/revision/types.ts';
import { type Deployment, PODS, type Pod } from '../../kube/core.ts';
import { deepEqual } from '../../kube/json.ts';
import type { Plan } from '../../kube/plan.ts';
import { hasEnded } from '../../kube/pod.ts';
import type { KubeObject } from '../../kube/types.ts';
import type { DigestState } from '../../registry/resolver.ts';
import type { RoleConfig } from '../../roles.ts';
import { isSpent, type MemoryKill } from '../diagnosis/memory.ts';
import {
  ACCOUNT_MS,
  askAgain,
  askedAgainAt,
  lacksAccount,
  replicaFailure,
} from '../diagnosis/replicaFailure.ts';
import { diagnoseStart } from '../diagnosis/start.ts';
import { pinnedImages } from '../pod/digests.ts';
import { passingMs } from '../readiness.ts';
import { pending, type RejectionInput, withRejection } from '../rejection.ts';
import { conditionsOf, digestLeftMs, type Progress, retryAt } from './conditions.ts';
import { desiredDeployment, madeAtZero, type Offer, surroundingsOf } from './deployment.ts';
import { applicable, rollOutEvents, type TemplateState, templateState } from './podTemplate.ts';

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
  /** Whether its running instances may be replaced by ones of another pod template. */
  mayRollOut?: boolean;
  /** Whether a route serves it or is to serve it. */
  routed: boolean;
  /** Whether it is ready without an instance: nobody asks for one before the first request. */
  startsAtZero?: boolean;
  /** Whether somebody waits for it: it is the latest of its template, or has traffic or a share of instances. */
  wanted?: boolean;
  /** Set for a revision of a worker pool, whose reconciler makes the Deployment. */
  pool?: {
    /** Whether another revision of the pool has proven itself: this one must run for a while before it replaces it. */
    replaces: boolean;
  };
}

/** What a revision needs, and how its instances stand to the pod template that they should have. */
export interface RevisionPlan extends Plan<Revision> {
  template?: TemplateState;
}

/**
 * What a revision needs: its images pinned to digests, one Deployment, and a status that says whether it can
 * take traffic. Once it has been ready it stays so: a later crash is the instance's matter, not the revision's.
 */
export function planRevision(
  input: RevisionInput,
  config: RoleConfig<'controller'>,
  now: number,
): RevisionPlan {
  const { revision } = input;
  const images = pinnedImages(revision.spec, input.digests);
  const unresolved = [...input.digests].find(([, state]) => state.state !== 'resolved');
  const start = diagnoseStart({
    containers: revision.spec.containers,
    pods: input.pods,
    passed: input.passed,
    now,
    config,
    ingress: input.pool === undefined,
    proven: isTrue(conditionOf(revision.status?.conditions, TYPES.containerHealthy)),
    // A pool's first revision replaces nothing: it is ready as soon as it runs, as a Deployment is. To wait with that
    // would cost every new pool the time in which few programs end; one that does says so in InstancesReady.
    settleMs: input.pool?.replaces ? config.startup.crashSeconds * 1000 : 0,
  });
  const conditions = conditionsOf(input, { unresolved, start, config, now });
  const status = statusOf(input, images, mergeConditions(revision.status?.conditions, conditions, now));
  const made = unresolved || input.pool ? undefined : serviceDeployment(input, images, config);
  const template = made && templateState(made, input.deployment);
  const mayRollOut = input.mayRollOut ?? false;
  return {
    ...(made ? deployments(made, input) : { apply: [] }),
    template,
    change: asksAgain(input, now) ? [askAgain(input.deployment, now)] : [],
    remove: [...remains(input), ...spent(input, now)].map(removal),
    labels: routingState(input),
    status: { ...revision, status },
    statusWaitMs: statusWait(input, status),
    events: [
      ...eventsOf(revision, conditions),
      ...rollOutEvents(revision.metadata.name, template, mayRollOut),
    ],
    requeueAfterMs: recheckAfter(input, { unresolved, start, config, now }),
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
export function refusedRevision(input: RejectionInput): KubeObject | undefined {
  if (pending(input.planned, [TYPES.ready]).length === 0) return undefined;
  return withRejection(input, [TYPES.resourcesAvailable, TYPES.ready]);
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

function serviceDeployment(
  input: RevisionInput,
  images: ReadonlyMap<string, string>,
  config: RoleConfig<'controller'>,
): Deployment {
  const { revision } = input;
  return desiredDeployment(revision, images, config, surroundingsOf(revision, input, config));
}

/** Kept as it should be; made without instances where none is asked for. */
function deployments(
  made: Deployment,
  { deployment, startsAtZero, mayRollOut = false }: RevisionInput,
): Pick<Plan, 'apply' | 'create'> {
  if (startsAtZero && !deployment) return { apply: [], create: [madeAtZero(made)] };
  return { apply: applicable(made, deployment, mayRollOut) };
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

/** Whether Kubernetes is asked now to make pods that the cluster has refused. */
function asksAgain(input: RevisionInput, now: number): input is RevisionInput & { deployment: Deployment } {
  if (!input.deployment) return false;
  const at = lacksAccount(input) ? undefined : askedAgainAt(input);
  return Boolean(input.accountMade) || (at !== undefined && at <= now);
}

/** When to look again though nothing changes. */
function recheckAfter(input: RevisionInput, progress: Progress): number | undefined {
  if (lacksAccount(input)) return ACCOUNT_MS;
  const { unresolved, start, now } = progress;
  const [, digest] = unresolved ?? [];
  const later = (at: number | undefined) => at && Math.max(at - now, 1000);
  if (digest?.state === 'failed') {
    const left = digestLeftMs(digest, input.revision, progress);
    const retry = digest.retryAt && digest.retryAt - now;
    return left > 0 ? Math.max(Math.min(left, retry ?? left), 1000) : later(digest.retryAt);
  }
  if (replicaFailure(input)) return later(askedAgainAt(input));
  const again = retryAt(input);
  if (start.state === 'none') return again !== undefined && again > now ? again - now : undefined;
  return start.state === 'started' ? undefined : start.recheckMs;
}
