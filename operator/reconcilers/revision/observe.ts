import { kubernetesServiceAccount } from '../../apis/identity.ts';
import { RUN, SERVING, workerPoolOf } from '../../apis/labels.ts';
import type { WorkerPool } from '../../apis/run/workerPool/types.ts';
import type { Configuration } from '../../apis/serving/configuration/types.ts';
import { isReady } from '../../apis/serving/revision/conditions.ts';
import { needsNoInstance } from '../../apis/serving/revision/initialScale.ts';
import { initialInstances, scalingSpec } from '../../apis/serving/revision/scaling.ts';
import type { Revision } from '../../apis/serving/revision/types.ts';
import type { Service } from '../../apis/serving/service/types.ts';
import { targetOf } from '../../apis/serving/traffic/targets.ts';
import { type Deployment, type Pod, RESOURCE_QUOTAS, SERVICE_ACCOUNTS } from '../../kube/core.ts';
import { keyOf } from '../../kube/types.ts';
import { type Context, metadataNow } from '../context.ts';
import type { Rejection } from '../diagnosis/evidence.ts';
import { memoryKills } from '../diagnosis/memory.ts';
import { type MountReport, mountReport } from '../diagnosis/mounts.ts';
import { hasRoom } from '../diagnosis/quota.ts';
import { lacksAccount, replicaFailure } from '../diagnosis/replicaFailure.ts';
import { isStuck } from '../diagnosis/start.ts';
import { digestsOf } from '../digests.ts';
import { labelKey, ownDeployment, type Stores } from '../informers.ts';
import { baseImageNow } from './baseImageLookup.ts';
import type { RevisionInput } from './input.ts';
import { digestOwner } from './retry.ts';
import type { RevisionQueues } from './sideQueues.ts';

/** What a revision and its instances depend on. */
export const READ = [
  'revisions',
  'services',
  'configurations',
  'workerPools',
  'routes',
  'deployments',
  'pods',
  'coreServices',
] as const;

export type RevisionStores = Stores<(typeof READ)[number]>;

/** A revision, its instances, and what its side queues know of them; undefined when it is gone or going. */
export async function observe(
  key: string,
  stores: RevisionStores,
  queues: RevisionQueues,
  context: Context,
): Promise<RevisionInput | undefined> {
  const revision = stores.revisions.get(key);
  if (!revision || revision.metadata.deletionTimestamp) return undefined;
  const deployment = ownDeployment(revision, stores);
  const pods = stores.pods.byIndex('revision', revision.metadata.uid ?? '');
  const rejection = replicaFailure({ deployment, revision });
  const evictions = queues.evictions.of(key, pods);
  const routes = stores.routes.byIndex('revision', key);
  const routed = routes.length > 0;
  const wanted = routed || isNamed(revision, stores);
  const pool = poolContext(revision, stores);
  const service = serviceOf(revision, stores);
  return {
    revision,
    deployment,
    pods,
    mount: mountOf(key, deployment, pods, queues, context),
    kills: pods.flatMap((pod) => memoryKills(pod, evictions.get(pod.metadata.uid ?? ''))),
    passed: startedPods(revision, pods, pool, queues),
    accountMade: lacksAccount(rejection) && (await hasAccount(revision, context)),
    quotaFullAt: rejection?.shortage && (await quotaFullAt(revision, rejection, context)),
    digests: digestsOf(digestOwner(revision, wanted, context.config), queues.digests, context.config),
    baseImage: baseImageNow(revision, wanted, queues.baseImages, context),
    metadata: metadataNow(context, stores),
    resizesPods: context.capabilities.resizesPods,
    mayRollOut: queues.rollOuts.has(key),
    startsAtZero: needsNoInstance(revision, service),
    initialInstances: pool
      ? 1
      : initialInstances(scalingSpec(revision, service, targetOf(key, routes), context.config.autoscaler)),
    routed,
    wanted,
    scaling: context.scaling.of(key),
    pool,
  };
}

/** Why volumes are not mounted; while there are instances, that is only asked of a pod that is to be replaced. */
function mountOf(
  key: string,
  deployment: Deployment | undefined,
  pods: Pod[],
  { mounts }: Pick<RevisionQueues, 'mounts'>,
  context: Pick<Context, 'now' | 'config'>,
): MountReport | undefined {
  const { config } = context;
  const now = context.now();
  const asked = deployment?.status?.readyReplicas
    ? pods.filter((pod) => isStuck(pod, { config, now }))
    : pods;
  return mountReport(asked, key, mounts, now);
}

/**
 * UIDs of the pods whose startup probe has passed. Only a revision that has not been ready yet is probed; a worker has
 * no port to probe, so the kubelet alone reports its start.
 */
function startedPods(
  revision: Revision,
  pods: Pod[],
  pool: RevisionInput['pool'],
  { starts }: Pick<RevisionQueues, 'starts'>,
): ReadonlySet<string> {
  if (!isReady(revision) && !pool) return starts.passed(revision, pods);
  starts.forget(keyOf(revision.metadata));
  return new Set();
}

async function hasAccount(
  { metadata: { namespace }, spec }: Revision,
  { client, config }: Context,
): Promise<boolean> {
  const name = kubernetesServiceAccount(spec.serviceAccountName, config) ?? 'default';
  return (await client.get(SERVICE_ACCOUNTS, { namespace, name })) !== undefined;
}

/** Asked only when it is time for another attempt, which is made in vain while the quota is used up. */
async function quotaFullAt(
  { metadata: { namespace } }: Revision,
  { shortage, retryAt }: Rejection,
  { client, now }: Context,
): Promise<number | undefined> {
  const at = now();
  if (!shortage || retryAt === undefined || retryAt > at) return undefined;
  const quota = await client.get(RESOURCE_QUOTAS, { namespace, name: shortage.quota });
  return quota && !hasRoom(shortage, quota) ? at : undefined;
}

/** The Service that a revision belongs to; a worker pool's has none. */
export function serviceOf(revision: Revision, { services }: Stores<'services'>): Service | undefined {
  const [service] = labelKey(SERVING.service)(revision);
  return service === undefined ? undefined : services.get(service);
}

/** Key of the revision that a template stands for now. */
export function latestCreated({ metadata, status }: Configuration | WorkerPool): string[] {
  const name = status?.latestCreatedRevisionName;
  return name ? [`${metadata.namespace}/${name}`] : [];
}

/** Whether a template or the splits of a pool name the revision. */
function isNamed(
  revision: Revision,
  { configurations, workerPools }: Stores<'configurations' | 'workerPools'>,
): boolean {
  const [configuration = ''] = labelKey(SERVING.configuration)(revision);
  const [pool = ''] = labelKey(RUN.workerPool)(revision);
  const owners = [configurations.get(configuration), workerPools.get(pool)];
  const isLatest = owners.some((owner) => owner && latestCreated(owner).includes(keyOf(revision.metadata)));
  const splits = workerPools.get(pool)?.spec.instanceSplits ?? [];
  return isLatest || splits.some(({ revisionName }) => revisionName === revision.metadata.name);
}

function poolContext(revision: Revision, { revisions }: Stores<'revisions'>): RevisionInput['pool'] {
  if (workerPoolOf(revision) === undefined) return undefined;
  const [pool = ''] = labelKey(RUN.workerPool)(revision);
  const siblings = revisions.byIndex('workerPool', pool);
  return { replaces: siblings.some((sibling) => sibling !== revision && isReady(sibling)) };
}
