import { RUN } from '../../apis/labels.ts';
import { Controller } from '../../kube/controller.ts';
import { keyOf } from '../../kube/types.ts';
import type { Permission } from '../../rbac.ts';
import { type Context, executorOf } from '../context.ts';
import { labelKey, storesFor } from '../informers.ts';
import { observe, READ } from './observe.ts';
import { planWorkerPool, rejectedWorkerPool } from './plan.ts';

export const permissions: Permission[] = [
  { apiGroups: ['run.googleapis.com'], resources: ['workerpools/status'], verbs: ['patch'] },
  { apiGroups: ['serving.knative.dev'], resources: ['revisions'], verbs: ['create', 'patch', 'delete'] },
  { apiGroups: ['apps'], resources: ['deployments'], verbs: ['create', 'patch'] },
];

/** WorkerPool -> Revisions, and the Deployments of those that have a share of the instances. */
export function workerPoolController(context: Context): Controller {
  const { informers, config, rollOuts, now, log } = context;
  const reconcile = async (key: string) => {
    const input = await observe(key, stores, context);
    if (!input) return;
    const plan = planWorkerPool(input, config, now());
    const { namespace } = input.pool.metadata;
    for (const [name, state] of plan.templates ?? []) {
      rollOuts.record(keyOf({ namespace, name }), state, () => controller.enqueue(key));
    }
    return executor.execute(input.pool, plan);
  };
  const ofPool = labelKey(RUN.workerPool);
  const controller = new Controller({ name: 'workerpool', workers: 4, reconcile, log });
  const stores = storesFor(controller, informers, ...READ);
  const executor = executorOf(context, 'workerpool', stores, rejectedWorkerPool);
  return controller
    .watch(informers.workerPools, ({ metadata }) => [keyOf(metadata)])
    .watch(informers.revisions, ofPool)
    .watch(informers.deployments, ofPool)
    .watch(informers.pods, ofPool);
}
