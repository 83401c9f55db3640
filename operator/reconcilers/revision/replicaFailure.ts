import { REVISION_REASONS as REASONS } from '../../apis/serving/revision/conditions.ts';
import type { Revision } from '../../apis/serving/revision/types.ts';
import { DEPLOYMENTS, type Deployment } from '../../kube/core.ts';
import type { Change } from '../../kube/plan.ts';
import { timestamp } from '../../kube/time.ts';
import { type CreationRefusal, explainRefusal } from '../instance/refusal.ts';

/** A Deployment and the revision that its pods are instances of. */
interface Deployed {
  deployment?: Deployment;
  revision: Pick<Revision, 'spec'>;
}

/** Why the cluster makes no pods for the Deployment: a quota, a policy, a service account that is missing. */
export function replicaFailure({ deployment, revision }: Deployed): CreationRefusal | undefined {
  const failure = deployment?.status?.conditions?.find(
    ({ type, status }) => type === 'ReplicaFailure' && status === 'True',
  );
  return failure && explainRefusal(failure, revision.spec.serviceAccountName);
}

/** On a Deployment: when Kubernetes was last asked to make its pods after all. */
const ASKED_AGAIN = 'homerun.dev/asked-again';

/** How often it is looked whether a missing service account is there. */
const ACCOUNT_MS = 5_000;
/** How often Kubernetes is asked again where nothing tells when it would succeed: after a quota, a policy, a webhook. */
const REFUSED_MS = 30_000;

/** Whether the cluster makes no pods for want of a service account. */
export function lacksAccount(deployed: Deployed): boolean {
  return replicaFailure(deployed)?.reason === REASONS.serviceAccountMissing;
}

/**
 * How Kubernetes is brought to make the pods that it has refused: it is asked again as soon as a service account that
 * was missing is there, and every half minute after any other refusal.
 * @param accountMade whether there is a service account now that the cluster has refused pods for.
 */
export function askingAgain(
  deployed: Deployed,
  accountMade: boolean,
  now: number,
): { change: Change[]; requeueAfterMs?: number } {
  const { deployment } = deployed;
  if (!deployment || !replicaFailure(deployed)) return { change: [] };
  if (lacksAccount(deployed)) {
    return { change: accountMade ? [askAgain(deployment, now)] : [], requeueAfterMs: ACCOUNT_MS };
  }
  const left = askedAt(deployment) + REFUSED_MS - now;
  if (left > 0) return { change: [], requeueAfterMs: left };
  return { change: [askAgain(deployment, now)], requeueAfterMs: REFUSED_MS };
}

/** When Kubernetes was last asked, or first refused. */
function askedAt({ metadata, status }: Deployment): number {
  const failure = status?.conditions?.find(({ type }) => type === 'ReplicaFailure');
  const moments = [metadata.annotations?.[ASKED_AGAIN], failure?.lastTransitionTime];
  return Math.max(...moments.map((moment) => Date.parse(String(moment ?? '')) || 0));
}

/**
 * Kubernetes itself tries again ever more seldom, up to every seventeen minutes. A change of the Deployment, handed on
 * to its ReplicaSet, makes it try at once.
 */
function askAgain(deployment: Deployment, now: number): Change {
  const patch = { metadata: { annotations: { [ASKED_AGAIN]: timestamp(now) } } };
  return { type: DEPLOYMENTS, object: deployment, patch };
}
