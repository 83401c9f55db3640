import { SERVING, workerPoolOf } from '../../apis/labels.ts';
import { deploymentName } from '../../apis/names.ts';
import { keptInstances, type ScalingSpec } from '../../apis/serving/revision/scaling.ts';
import type { Revision } from '../../apis/serving/revision/types.ts';
import { type Deployment, DISRUPTION_BUDGETS, type DisruptionBudget } from '../../kube/core.ts';
import { controllerReference, isControlledBy } from '../../kube/owner.ts';
import { type Plan, removalOf } from '../../kube/plan.ts';
import { type LabelSelector, selects } from '../../kube/selector.ts';
import { instanceLabels } from '../revision/deployment.ts';

/** Everything that the plan of a revision's disruption budget depends on. */
export interface DisruptionInput {
  revision: Revision;
  /** What the autoscaler goes by. */
  scaling: Pick<ScalingSpec, 'manual' | 'min'>;
  deployment?: Deployment;
  /** Its own, and those of the namespace that people have made. */
  budgets: readonly DisruptionBudget[];
}

/**
 * A disruption budget for a revision that has several instances whatever the load: of a service with a minimum of two or
 * more, or of a worker pool. The autoscaler keeps to the minimum when it drains instances; the budget holds where it is
 * not asked, because it is away or requests have had their time, and for worker pools.
 *
 * None where a person has made one for these pods: Kubernetes evicts no pod that two budgets select. Pure.
 */
export function planDisruption({ revision, scaling, deployment, budgets }: DisruptionInput): Plan {
  const { uid = '' } = revision.metadata;
  const own = budgets.find((budget) => isControlledBy(budget, uid));
  const labels = instanceLabels(revision);
  const isOthers = budgets.some(
    (budget) => budget !== own && selects(budget.spec?.selector as LabelSelector | undefined, labels),
  );
  const kept =
    workerPoolOf(revision) === undefined
      ? keptInstances(scaling)
      : keptInstances({ min: deployment?.spec?.replicas ?? 0 });
  const isWanted = kept > 0 && !isOthers;
  return {
    apply: isWanted ? [desiredBudget(revision)] : [],
    remove: own && !isWanted ? [removalOf(DISRUPTION_BUDGETS, own)] : [],
    events: [],
  };
}

function desiredBudget(revision: Revision): DisruptionBudget {
  const { name, namespace, uid = '' } = revision.metadata;
  return {
    apiVersion: DISRUPTION_BUDGETS.apiVersion,
    kind: DISRUPTION_BUDGETS.kind,
    metadata: {
      name: deploymentName(name),
      namespace,
      labels: { [SERVING.revision]: name, [SERVING.revisionUID]: uid },
      ownerReferences: [controllerReference(revision)],
    },
    spec: {
      maxUnavailable: 1,
      // An instance that does not get ready must not keep its node from being drained.
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
      selector: { matchLabels: { [SERVING.revisionUID]: uid } },
    },
  } as DisruptionBudget;
}
