import { SERVING, workerPoolOf } from '../../apis/labels.ts';
import { deploymentName } from '../../apis/names.ts';
import { scalingSpec } from '../../apis/serving/revision/scaling.ts';
import type { Revision } from '../../apis/serving/revision/types.ts';
import { targetOf } from '../../apis/serving/traffic/targets.ts';
import { Controller } from '../../kube/controller.ts';
import { deepEqual } from '../../kube/json.ts';
import { keyOf } from '../../kube/types.ts';
import type { Permission } from '../../rbac.ts';
import { type Context, executorOf } from '../context.ts';
import { labelKey, revisionOfBudget, revisionsOfRoute, type Stores, storesFor } from '../informers.ts';
import { type DisruptionInput, planDisruption } from './disruption.ts';

export const permissions: Permission[] = [
  { apiGroups: ['policy'], resources: ['poddisruptionbudgets'], verbs: ['create', 'patch', 'delete'] },
];

/** What decides whether a revision has a budget. */
const READ = ['revisions', 'services', 'routes', 'deployments', 'disruptionBudgets'] as const;

/** Revision -> disruption budget, where it has a minimum of instances that a node's end must not undo. */
export function disruptionController(context: Context): Controller {
  const { informers, log } = context;
  const reconcile = async (key: string) => {
    const revision = stores.revisions.get(key);
    // Its owner takes the budget along.
    if (!revision || revision.metadata.deletionTimestamp) return;
    return executor.execute(revision, planDisruption(observe(revision, stores, context)));
  };
  const controller = new Controller({ name: 'disruption', workers: 2, reconcile, log });
  const stores = storesFor(controller, informers, ...READ);
  const executor = executorOf(context, 'disruption', stores, () => undefined);
  return controller
    .watch(informers.revisions, ({ metadata }) => [keyOf(metadata)])
    .watch(informers.routes, (route, { old }) => [route, ...(old ? [old] : [])].flatMap(revisionsOfRoute))
    .watch(informers.services, (service, { old }) => {
      if (old && deepEqual(old.metadata.annotations, service.metadata.annotations)) return [];
      const own = stores.revisions.byIndex('configuration', keyOf(service.metadata));
      return own.map(({ metadata }) => keyOf(metadata));
    })
    .watch(informers.deployments, (deployment) =>
      workerPoolOf(deployment) === undefined ? [] : labelKey(SERVING.revision)(deployment),
    )
    .watch(informers.disruptionBudgets, (budget, { old }) => {
      if (old && deepEqual(old.spec, budget.spec)) return [];
      const own = revisionOfBudget(budget);
      if (own !== undefined) return [own];
      return [...stores.revisions.keys()].filter((key) => key.startsWith(`${budget.metadata.namespace}/`));
    });
}

function observe(
  revision: Revision,
  stores: Stores<(typeof READ)[number]>,
  { config }: Context,
): DisruptionInput {
  const { namespace, name, labels } = revision.metadata;
  const key = keyOf(revision.metadata);
  const inNamespace = (named: string | undefined) => keyOf({ namespace, name: named ?? '' });
  const service = stores.services.get(inNamespace(labels?.[SERVING.service]));
  const target = targetOf(key, stores.routes.byIndex('revision', key));
  const own = stores.disruptionBudgets.get(inNamespace(deploymentName(name)));
  const others = stores.disruptionBudgets.byIndex('foreign', namespace ?? '');
  return {
    revision,
    scaling: scalingSpec(revision, service, target, config.autoscaler),
    deployment: stores.deployments.get(inNamespace(deploymentName(name))),
    budgets: own ? [own, ...others] : others,
  };
}
