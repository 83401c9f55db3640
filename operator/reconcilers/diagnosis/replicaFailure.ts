import { BOOKKEEPING } from '../../apis/annotations/bookkeeping.ts';
import { REVISION_REASONS as REASONS } from '../../apis/serving/revision/conditions.ts';
import type { Revision } from '../../apis/serving/revision/types.ts';
import { DEPLOYMENTS, type Deployment } from '../../kube/core.ts';
import type { Change } from '../../kube/plan.ts';
import { timestamp } from '../../kube/time.ts';
import { type CreationRejection, explainRejection } from './creationRejection.ts';

/** A Deployment and the revision that its pods are instances of. */
interface Deployed {
  deployment?: Deployment;
  revision: Pick<Revision, 'spec'>;
}

/** Why the cluster makes no pods for the Deployment: a quota, a policy, a service account that is missing. */
export function replicaFailure({ deployment, revision }: Deployed): CreationRejection | undefined {
  const failure = failureOf(deployment);
  return failure && explainRejection(failure, revision.spec.serviceAccountName);
}

function failureOf(deployment: Deployment | undefined) {
  return deployment?.status?.conditions?.find(
    ({ type, status }) => type === 'ReplicaFailure' && status === 'True',
  );
}

/** On a Deployment: when Kubernetes was last asked to make its pods after all. */
const ASKED_AGAIN = BOOKKEEPING.askedAgain;

/** Shortest and longest time between two such questions. */
const ASK_MS = { shortest: 30_000, longest: 300_000 };

/**
 * When Kubernetes is next asked to make the pods that the cluster refuses, in milliseconds since 1970: a quota may be
 * free again any time. Ever more seldom, the longer they have been refused.
 */
export function askedAgainAt({ deployment }: Pick<Deployed, 'deployment'>): number | undefined {
  const failure = failureOf(deployment);
  if (!failure || !deployment?.spec?.replicas) return undefined;
  const since = Date.parse(failure.lastTransitionTime ?? '');
  const last = Date.parse(deployment.metadata.annotations?.[ASKED_AGAIN] ?? '');
  const asked = last > since ? last : since;
  return asked + Math.min(Math.max(asked - since, ASK_MS.shortest), ASK_MS.longest);
}

/** How often it is looked whether a missing service account is there. */
export const ACCOUNT_MS = 5000;

/** Whether the cluster makes no pods for want of a service account. */
export function lacksAccount(deployed: Deployed): boolean {
  return replicaFailure(deployed)?.reason === REASONS.serviceAccountMissing;
}

/**
 * Kubernetes itself tries again ever more seldom, up to every seventeen minutes. A change of the Deployment, handed on
 * to its ReplicaSet, makes it try at once.
 */
export function askAgain(deployment: Deployment, now: number): Change {
  const patch = { metadata: { annotations: { [ASKED_AGAIN]: timestamp(now) } } };
  return { type: DEPLOYMENTS, object: deployment, patch };
}
