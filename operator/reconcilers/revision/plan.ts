import { type Condition, conditionOf, isTrue, mergeConditions, READY } from '../../apis/condition.ts';
import { SERVING } from '../../apis/labels.ts';
import { sourceOf } from '../../apis/serving/instance/source.ts';
import { REVISION_CONDITIONS as TYPES } from '../../apis/serving/revision/conditions.ts';
import type { Revision } from '../../apis/serving/revision/types.ts';
import { type Deployment, PODS, type Pod } from '../../kube/core.ts';
import { deepEqual } from '../../kube/json.ts';
import { type Change, type Plan, removalOf } from '../../kube/plan.ts';
import { hasEnded } from '../../kube/pod.ts';
import type { KubeObject } from '../../kube/types.ts';
import type { RoleConfig } from '../../roles.ts';
import { diagnose } from '../diagnosis/chain.ts';
import type { Evidence, Rejection } from '../diagnosis/evidence.ts';
import { isSpent } from '../diagnosis/memory.ts';
import { retryCreation } from '../diagnosis/replicaFailure.ts';
import { hasStarted, isStuck, untilStuckMs } from '../diagnosis/start.ts';
import { pinnedImages } from '../digests.ts';
import { earliest } from '../duration.ts';
import { passingMs } from '../readiness.ts';
import { pending, type RejectionInput, withRejection } from '../rejection.ts';
import { type BaseImageStep, baseImageStep, hasOtherBaseImage } from './baseImage.ts';
import { conditionsOf } from './conditions.ts';
import { desiredDeployment, madeAtZero, surroundingsOf } from './deployment.ts';
import { evidenceOf } from './evidence.ts';
import type { RevisionInput } from './input.ts';
import { applicable, rollOutEvents, type TemplateState, templateState } from './podTemplate.ts';

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
  const evidence = evidenceOf(input, config, now);
  const problem = diagnose(evidence);
  const base = baseImageStep(input, config, now);
  const conditions = [
    ...conditionsOf(input, { problem, started: hasStarted(evidence) }),
    ...(base?.conditions ?? []),
  ];
  const images = pinnedImages(revision.spec, input.digests);
  const status = statusOf(input, images, base, mergeConditions(revision.status?.conditions, conditions, now));
  const isPinned = [...input.digests.values()].every(({ state }) => state === 'resolved');
  const made = isPinned && !input.pool ? serviceDeployment(input, images, config) : undefined;
  const template = made && templateState(made, input.deployment);
  const mayRollOut =
    input.mayRollOut || (made !== undefined && hasOtherBaseImage(revision, made, input.deployment));
  return {
    ...(made ? deployments(made, input, mayRollOut) : { apply: [] }),
    template,
    change: creationRetry(input, evidence.rejection, now),
    remove: [...endedPods(input), ...lostPods(input, evidence)].map((pod) => removalOf(PODS, pod)),
    labels: routingState(input),
    status: { ...revision, status },
    statusWaitMs: statusWait(input, status),
    events: [
      ...eventsOf(revision, conditions),
      ...rollOutEvents(revision.metadata.name, template, mayRollOut),
      ...(base?.events ?? []),
    ],
    requeueAfterMs: earliest(problem?.recheckAfter, base?.requeueAfterMs, untilStuckMs(evidence)),
  };
}

/** How long after its time a pod may still be there; the kubelet of a busy node takes some seconds. */
const OVERDUE_MS = 60_000;

/** How long the numbers of instances wait when nothing else has changed; while instances come and go they always do. */
const COUNTS_MS = 5_000;

function statusWait({ revision, pool }: RevisionInput, status: Revision['status']): number | undefined {
  const withoutCounts = (of: Revision['status']) => ({ ...of, actualReplicas: 0, desiredReplicas: 0 });
  if (deepEqual(withoutCounts(revision.status), withoutCounts(status))) return COUNTS_MS;
  // The roll-out of a worker pool goes by what its revisions say.
  return pool ? undefined : passingMs(revision.status, status);
}

/** The status of a revision while the cluster rejects its Deployment; one that has been ready stays so. */
export function rejectedRevision(input: RejectionInput): KubeObject | undefined {
  if (pending(input.planned, [TYPES.ready]).length === 0) return undefined;
  return withRejection(input, [TYPES.resourcesAvailable, TYPES.ready]);
}

/**
 * Pods that have ended are never started again, and Kubernetes itself keeps them by the thousand. The newest one stays, so
 * that people can see what became of it.
 */
function endedPods({ pods }: RevisionInput): Pod[] {
  const created = ({ metadata }: Pod) => Date.parse(metadata.creationTimestamp ?? '');
  return pods
    .filter((pod) => hasEnded(pod) && !pod.metadata.deletionTimestamp)
    .sort((a, b) => created(b) - created(a))
    .slice(1);
}

/** Instances that are to be replaced; those of a revision that never worked prove that, and stay. */
function lostPods({ pods, revision }: RevisionInput, evidence: Evidence): Pod[] {
  if (!isTrue(conditionOf(revision.status?.conditions, TYPES.containerHealthy))) return [];
  // What one pod cannot mount, another cannot either; and where one does not go, more of them would only pile up.
  const { mount, now } = evidence;
  const mayDoBetter = mount && !mount.failure && !pods.some((pod) => isOverdue(pod, now));
  const isLost = (pod: Pod) => isSpent(pod, now) || (mayDoBetter && isStuck(pod, evidence));
  return pods.filter((pod) => !pod.metadata.deletionTimestamp && isLost(pod));
}

/** Whether a pod should be gone by now, but the node does not come to end it. */
function isOverdue({ metadata }: Pod, now: number): boolean {
  return now - Date.parse(metadata.deletionTimestamp ?? '') > OVERDUE_MS;
}

/**
 * The revision's label that says whether traffic can reach it: `active` while a route names it, `reserve` from then on
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
  { deployment, startsAtZero }: RevisionInput,
  mayRollOut: boolean,
): Pick<Plan, 'apply' | 'create'> {
  if (startsAtZero && !deployment) return { apply: [], create: [madeAtZero(made)] };
  return { apply: applicable(made, deployment, mayRollOut) };
}

function statusOf(
  { revision, deployment, digests, scaling = revision.status?.scaling }: RevisionInput,
  images: ReadonlyMap<string, string>,
  base: BaseImageStep | undefined,
  conditions: Condition[],
): NonNullable<Revision['status']> {
  const imageOf = (name: string) => (name === base?.moved?.container ? base.moved.image : images.get(name));
  const containerStatuses = revision.spec.containers
    .filter(({ name }) => digests.get(name)?.state === 'resolved')
    .map(({ name, image }) => ({ name, imageDigest: imageOf(name) ?? image }));
  const desiredReplicas = deployment?.spec?.replicas ?? 0;
  const pinned = containerStatuses.length === revision.spec.containers.length;
  return {
    observedGeneration: revision.metadata.generation,
    conditions,
    ...(base ? { annotations: base.annotations } : {}),
    containerStatuses,
    // gcloud makes it the image of the next revision; one from source keeps its image, and with it the source.
    ...(pinned && !sourceOf(revision.metadata.annotations, revision.spec.containers)
      ? { imageDigest: containerStatuses[0]?.imageDigest }
      : {}),
    actualReplicas: deployment?.status?.readyReplicas ?? 0,
    desiredReplicas,
    ...(desiredReplicas > 0 && scaling ? { scaling } : {}),
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

/** Has Kubernetes try again to make pods that the cluster has rejected, when it is time. */
function creationRetry(
  { deployment, accountMade }: RevisionInput,
  rejection: Rejection | undefined,
  now: number,
): Change[] {
  if (!deployment) return [];
  const isDue = rejection?.retryAt !== undefined && rejection.retryAt <= now;
  return accountMade || isDue ? [retryCreation(deployment, now)] : [];
}
