import { SERVING, workerPoolOf } from '../../apis/labels.ts';
import { Controller } from '../../kube/controller.ts';
import { deepEqual } from '../../kube/json.ts';
import { keyOf } from '../../kube/types.ts';
import type { Permission } from '../../rbac.ts';
import { type Context, executorOf } from '../context.ts';
import { labelKey, revisionOfBudget, revisionsOfRoute, storesFor } from '../informers.ts';
import { observe, READ } from './observe.ts';
import { planDisruption } from './plan.ts';

export const permissions: Permission[] = [
  { apiGroups: ['policy'], resources: ['poddisruptionbudgets'], verbs: ['create', 'patch', 'delete'] },
];

/** Revision -> disruption budget, where it has a minimum of instances that a node's end must not undo. */
export function disruptionController(context: Context): Controller {
  const { informers, log } = context;
  const reconcile = async (key: string) => {
    const input = observe(key, stores, context);
    if (!input) return;
    return executor.execute(input.revision, planDisruption(input));
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
