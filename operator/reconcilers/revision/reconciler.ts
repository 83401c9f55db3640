import { conditionOf, isTrue, READY } from '../../apis/condition.ts';
import { kubernetesServiceAccount } from '../../apis/identity.ts';
import { RUN, SERVING, workerPoolOf } from '../../apis/labels.ts';
import type { WorkerPool } from '../../apis/run/workerPool/types.ts';
import type { Configuration } from '../../apis/serving/configuration/types.ts';
import { REVISION_REASONS as REASONS } from '../../apis/serving/revision/conditions.ts';
import { needsNoInstance } from '../../apis/serving/revision/initialScale.ts';
import type { Revision } from '../../apis/serving/revision/types.ts';
import type { Service } from '../../apis/serving/service/types.ts';
import { Controller } from '../../kube/controller.ts';
import { EVENTS, type Pod, SERVICE_ACCOUNTS } from '../../kube/core.ts';
import { keyOf } from '../../kube/types.ts';
import { startCheck } from '../../probe/attempt.ts';
import { untilStarted } from '../../probe/probe.ts';
import type { Permission } from '../../rbac.ts';
import { createResolver } from '../../registry/create.ts';
import { memoryExceeded } from '../../telemetry/metrics.ts';
import { type Context, executorOf, metadataNow, metadataServer } from '../context.ts';
import { Evictions } from '../diagnosis/evictions.ts';
import { type MemoryKill, memoryKills, memoryMessage } from '../diagnosis/memory.ts';
import { mountProblems, withMountProblem } from '../diagnosis/mounts.ts';
import { lacksAccount } from '../diagnosis/replicaFailure.ts';
import { labelKey, ownDeployment, revisionsOfRoute, type Stores, storesFor } from '../informers.ts';
import { digestsOf } from '../pod/digests.ts';
import { MemoryWatch } from './memoryWatch.ts';
import { planRevision, type RevisionInput, refusedRevision } from './plan.ts';
import { digestOwner } from './retry.ts';
import { StartWatch } from './startWatch.ts';

export const permissions: Permission[] = [
  { apiGroups: ['serving.knative.dev'], resources: ['revisions', 'revisions/status'], verbs: ['patch'] },
  { apiGroups: ['apps'], resources: ['deployments'], verbs: ['create', 'patch'] },
  { apiGroups: [''], resources: ['pods'], verbs: ['delete'] },
  { apiGroups: [''], resources: ['events'], verbs: ['list'] },
  { apiGroups: [''], resources: ['serviceaccounts'], verbs: ['get'] },
];

/** What a revision and its instances depend on. */
const READ = [
  'revisions',
  'services',
  'configurations',
  'workerPools',
  'routes',
  'deployments',
  'pods',
  'coreServices',
] as const;

/** Revision -> Deployment. What takes time, digests and startup probes, goes on beside and calls back. */
export function revisionController(context: Context): Controller {
  const { client, informers, config, abilities, rollOuts, now, log } = context;
  const enqueue = (key: string) => controller.enqueue(key);
  const resolver = createResolver({ client, config: config.registry, onDone: enqueue, log });
  const limitMs = config.startup.limitSeconds * 1000;
  const starts = new StartWatch({
    probe: (revision, pod, signal) =>
      untilStarted(pod.status?.podIP ?? '', startCheck(revision.spec.containers), { limitMs, signal }),
    onPassed: enqueue,
    log,
  });
  const evictions = new Evictions({ read: (pod) => evictionOf(client, pod), onRead: enqueue });
  const mounts = mountProblems(client, enqueue);
  const memory = new MemoryWatch(now());
  const server = keyOf(metadataServer(context));
  const reconcile = async (key: string) => {
    const revision = stores.revisions.get(key);
    if (!revision || revision.metadata.deletionTimestamp) {
      resolver.forget(key);
      starts.forget(key);
      evictions.forget(key);
      mounts.forget(key);
      memory.forget(key);
      rollOuts.forget(key);
      return;
    }
    const { uid = '' } = revision.metadata;
    const seen = stores.pods.byIndex('revision', uid);
    const deployment = ownDeployment(revision, stores);
    const hasInstances = Boolean(deployment?.status?.readyReplicas);
    if (hasInstances) mounts.forget(key);
    const pods = hasInstances ? seen : withMountProblem(seen, key, mounts, now());
    const metadata = metadataNow(context, stores);
    const routed = stores.routes.byIndex('revision', key).length > 0;
    const pool = poolContext(revision, stores);
    // A worker has no port to look at: what the kubelet says must do.
    const isProbed = !isProven(revision) && !pool;
    if (!isProbed) starts.forget(key);
    const passed = isProbed ? starts.passed(revision, pods) : new Set<string>();
    const said = evictions.of(key, pods);
    const kills = pods.flatMap((pod) => memoryKills(pod, said.get(pod.metadata.uid ?? '')));
    for (const kill of memory.fresh(key, kills)) tellKill(kill, revision, stores, context);
    const { resizesPods } = abilities;
    const offer = { metadata, resizesPods };
    const accountMade = lacksAccount({ deployment, revision }) && (await hasAccount(revision, context));
    const startsAtZero = needsNoInstance(revision, serviceOf(revision, stores));
    const wanted = routed || isWanted(revision, stores);
    const digests = digestsOf(digestOwner(revision, wanted), resolver, config);
    const known = { revision, deployment, ...offer, pods, kills, passed, digests, routed, pool };
    const input = { ...known, wanted, startsAtZero, accountMade, mayRollOut: rollOuts.has(key) };
    const plan = planRevision(input, config, now());
    if (plan.template) rollOuts.saw(key, plan.template, () => enqueue(key));
    return executor.execute(revision, plan);
  };
  const controller = new Controller({ name: 'revision', workers: 8, reconcile, log });
  const stores = storesFor(controller, informers, ...READ);
  const executor = executorOf(context, 'revision', stores, refusedRevision);
  return controller
    .watch(informers.revisions, ({ metadata }) => [keyOf(metadata)])
    .watch(informers.configurations, latestCreated)
    .watch(informers.workerPools, latestCreated)
    .watch(informers.deployments, labelKey(SERVING.revision))
    .watch(informers.routes, (route, { old }) => [route, ...(old ? [old] : [])].flatMap(revisionsOfRoute))
    .watch(informers.pods, labelKey(SERVING.revision))
    .watch(informers.coreServices, ({ metadata }) =>
      keyOf(metadata) === server ? [...stores.revisions.keys()] : [],
    );
}

async function hasAccount(
  { metadata: { namespace }, spec }: Revision,
  { client, config }: Context,
): Promise<boolean> {
  const name = kubernetesServiceAccount(spec.serviceAccountName, config) ?? 'default';
  return (await client.get(SERVICE_ACCOUNTS, { namespace, name })) !== undefined;
}

/** What its node said when it ended a pod. */
async function evictionOf(client: Context['client'], { metadata }: Pod): Promise<string | undefined> {
  const { namespace, uid } = metadata;
  const fieldSelector = `involvedObject.uid=${uid},reason=Evicted`;
  const { items } = await client.list(EVENTS, { namespace, fieldSelector });
  return items[0]?.message;
}

/** To whoever looks at the revision, at its service, or at the metrics. */
function tellKill(
  kill: MemoryKill,
  revision: Revision,
  stores: Stores<'services'>,
  { recorder }: Context,
): void {
  const message = memoryMessage(kill, revision.spec.containers);
  const event = { type: 'Warning', reason: REASONS.outOfMemory, message } as const;
  const owner = serviceOf(revision, stores);
  for (const subject of [revision, ...(owner ? [owner] : [])]) recorder.event(subject, event);
  memoryExceeded.inc({ what: kill.what });
}

function serviceOf(revision: Revision, { services }: Stores<'services'>): Service | undefined {
  const [service] = labelKey(SERVING.service)(revision);
  return service === undefined ? undefined : services.get(service);
}

function isProven(revision: Revision): boolean {
  return isTrue(conditionOf(revision.status?.conditions, READY));
}

/** Key of the revision that a template stands for now. */
function latestCreated({ metadata, status }: Configuration | WorkerPool): string[] {
  const name = status?.latestCreatedRevisionName;
  return name ? [`${metadata.namespace}/${name}`] : [];
}

/** Whether a template or the splits of a pool name the revision. */
function isWanted(
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
  return { replaces: siblings.some((sibling) => sibling !== revision && isProven(sibling)) };
}
