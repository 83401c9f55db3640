import { BOOKKEEPING } from '../../apis/annotations/bookkeeping.ts';
import { REVISION_REASONS as REASONS } from '../../apis/serving/revision/conditions.ts';
import type { Revision } from '../../apis/serving/revision/types.ts';
import { DEPLOYMENTS, type Deployment } from '../../kube/core.ts';
import type { Change } from '../../kube/plan.ts';
import { timestamp } from '../../kube/time.ts';
import { explainRejection } from './creationRejection.ts';
import type { Rejection } from './evidence.ts';
import { shortageOf } from './quota.ts';

/** A Deployment and the revision that its pods are instances of. */
interface Deployed {
  deployment?: Deployment;
  revision: Pick<Revision, 'spec'>;
  /** When the quota that rejects its pods was last read and had no room, in milliseconds since 1970. */
  quotaFullAt?: number;
}

/** Why the cluster makes no pods for the Deployment: a quota, a policy, a service account that is missing. */
export function replicaFailure({ deployment, revision, quotaFullAt }: Deployed): Rejection | undefined {
  const failure = failureOf(deployment);
  if (!failure) return undefined;
  const rejection = explainRejection(failure, revision.spec.serviceAccountName);
  if (rejection.reason === REASONS.serviceAccountMissing) return rejection;
  const shortage = shortageOf(failure.message ?? '');
  return { ...rejection, shortage, retryAt: retryAt(failure, deployment, quotaFullAt) };
}

type Failure = NonNullable<NonNullable<NonNullable<Deployment['status']>['conditions']>[number]>;

function failureOf(deployment: Deployment | undefined): Failure | undefined {
  return deployment?.status?.conditions?.find(
    ({ type, status }) => type === 'ReplicaFailure' && status === 'True',
  );
}

/** On a Deployment: when Kubernetes was last asked to make its pods after all. */
const ASKED_AGAIN = BOOKKEEPING.askedAgain;

/** Shortest and longest time between two such requests. */
const RETRY_MS = { shortest: 30_000, longest: 300_000 };

/**
 * When Kubernetes is next asked to make the pods that the cluster rejects, in milliseconds since 1970: a quota may be
 * free again any time. Ever more seldom, the longer they have been rejected. Until the quota has room, nothing is asked.
 */
function retryAt(
  failure: Failure,
  deployment: Deployment | undefined,
  quotaFullAt: number | undefined,
): number | undefined {
  if (!deployment?.spec?.replicas) return undefined;
  const since = Date.parse(failure.lastTransitionTime ?? '');
  const last = Date.parse(deployment.metadata.annotations?.[ASKED_AGAIN] ?? '');
  const asked = quotaFullAt ?? (last > since ? last : since);
  return asked + Math.min(Math.max(asked - since, RETRY_MS.shortest), RETRY_MS.longest);
}

/** Whether the cluster makes no pods for want of a service account. */
export function lacksAccount(rejection: Rejection | undefined): boolean {
  return rejection?.reason === REASONS.serviceAccountMissing;
}

/**
 * Kubernetes itself tries again ever more seldom, up to every seventeen minutes. A change of the Deployment, handed on
 * to its ReplicaSet, makes it try at once.
 */
export function retryCreation(deployment: Deployment, now: number): Change {
  const patch = { metadata: { annotations: { [ASKED_AGAIN]: timestamp(now) } } };
  return { type: DEPLOYMENTS, object: deployment, patch };
}
