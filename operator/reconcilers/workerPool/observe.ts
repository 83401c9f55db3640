import type { WorkerPool } from '../../apis/run/workerPool/types.ts';
import { REVISIONS, type Revision } from '../../apis/serving/revision/types.ts';
import { isControlledBy } from '../../kube/owner.ts';
import { keyOf } from '../../kube/types.ts';
import { type Context, metadataNow } from '../context.ts';
import { ownDeployment, type Stores } from '../informers.ts';
import { unseen } from '../unseen.ts';
import type { WorkerPoolInput } from './plan.ts';

/** What a pool depends on. */
export const READ = ['workerPools', 'revisions', 'deployments', 'pods', 'coreServices'] as const;

/** A worker pool with its revisions, their Deployments and pods; undefined when it is gone or going. */
export async function observe(
  key: string,
  stores: Stores<(typeof READ)[number]>,
  context: Context,
): Promise<WorkerPoolInput | undefined> {
  const { capabilities, rollOuts } = context;
  const pool = stores.workerPools.get(key);
  if (!pool || pool.metadata.deletionTimestamp) return undefined;
  const { uid = '', namespace } = pool.metadata;
  const name = pool.spec.template.metadata?.name;
  const seen = stores.revisions.byIndex('workerPool', key);
  const isOwn = (revision: Revision) => isControlledBy(revision, uid);
  const others = await unseen(namedIn(pool), stores.revisions, REVISIONS, context.client, isOwn);
  const revisions = [...seen, ...others].filter(isOwn);
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
    resizesPods: capabilities.resizesPods,
    mayRollOut: new Set(
      revisions.flatMap(({ metadata }) => (rollOuts.has(keyOf(metadata)) ? [metadata.name] : [])),
    ),
  };
}

/** Keys of the revisions that the splits name. */
function namedIn({ metadata: { namespace }, spec }: WorkerPool): string[] {
  return (spec.instanceSplits ?? []).flatMap(({ revisionName: name }) =>
    name ? keyOf({ namespace, name }) : [],
  );
}
