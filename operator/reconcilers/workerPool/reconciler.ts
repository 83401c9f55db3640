import { RUN } from '../../apis/labels.ts';
import { Controller } from '../../kube/controller.ts';
import { isControlledBy } from '../../kube/owner.ts';
import { keyOf } from '../../kube/types.ts';
import type { Permission } from '../../rbac.ts';
import { type Context, executorOf, metadataNow } from '../context.ts';
import { labelKey, ownDeployment, type Stores, storesFor } from '../informers.ts';
import { planWorkerPool, refusedWorkerPool, type WorkerPoolInput } from './plan.ts';

export const permissions: Permission[] = [
  { apiGroups: ['run.googleapis.com'], resources: ['workerpools/status'], verbs: ['patch'] },
  { apiGroups: ['serving.knative.dev'], resources: ['revisions'], verbs: ['create', 'patch', 'delete'] },
  { apiGroups: ['apps'], resources: ['deployments'], verbs: ['create', 'patch'] },
];

/** What a pool is made of, and where its instances find the metadata server. */
const READ = ['workerPools', 'revisions', 'deployments', 'pods', 'coreServices'] as const;

/** WorkerPool -> Revisions, and the Deployments of those that have a share of the instances. */
export function workerPoolController(context: Context): Controller {
  const { informers, config, rollOuts, now, log } = context;
  const reconcile = async (key: string) => {
    const input = observe(key, stores, context);
    if (!input) return;
    const plan = planWorkerPool(input, config, now());
    const { namespace } = input.pool.metadata;
    for (const [name, state] of plan.templates ?? []) {
      rollOuts.saw(keyOf({ namespace, name }), state, () => controller.enqueue(key));
    }
    return executor.execute(input.pool, plan);
  };
  const ofPool = labelKey(RUN.workerPool);
  const controller = new Controller({ name: 'workerpool', workers: 4, reconcile, log });
  const stores = storesFor(controller, informers, ...READ);
  const executor = executorOf(context, 'workerpool', stores, refusedWorkerPool);
  return controller
    .watch(informers.workerPools, ({ metadata }) => [keyOf(metadata)])
    .watch(informers.revisions, ofPool)
    .watch(informers.deployments, ofPool)
    .watch(informers.pods, ofPool);
}

function observe(
  key: string,
  stores: Stores<(typeof READ)[number]>,
  context: Context,
): WorkerPoolInput | undefined {
  const { abilities, rollOuts } = context;
  const pool = stores.workerPools.get(key);
  if (!pool || pool.metadata.deletionTimestamp) return undefined;
  const { uid = '', namespace } = pool.metadata;
  const name = pool.spec.template.metadata?.name;
  const revisions = stores.revisions
    .byIndex('workerPool', key)
    .filter((revision) => isControlledBy(revision, uid));
  return {
    pool,
    revisions,
    named: name ? stores.revisions.get(`${namespace}/${name}`) : undefined,
    deployments: new Map(
      revisions.flatMap((revision) => {
        const deployment = ownDeployment(revision, stores);
        return deployment ? [[revision.metadata.name, deployment]] : [];
      }),
    ),
    pods: new Map(
      revisions.map(({ metadata }) => [metadata.name, stores.pods.byIndex('revision', metadata.uid ?? '')]),
    ),
    metadata: metadataNow(context, stores),
    resizesPods: abilities.resizesPods,
    mayRollOut: new Set(
      revisions.flatMap(({ metadata }) => (rollOuts.has(keyOf(metadata)) ? [metadata.name] : [])),
    ),
  };
}
