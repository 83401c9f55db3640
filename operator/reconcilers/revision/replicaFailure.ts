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
