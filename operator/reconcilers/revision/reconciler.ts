import { conditionOf, isTrue, READY } from '../../apis/condition.ts';
import { kubernetesServiceAccount } from '../../apis/identity.ts';
import { RUN, SERVING, workerPoolOf } from '../../apis/labels.ts';
import { deploymentName } from '../../apis/names.ts';
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
import { labelKey, revisionsOfRoute } from '../informers.ts';
import { type DigestOwner, digestsOf } from '../instance/digests.ts';
import { type MemoryKill, memoryKills, memoryMessage } from '../instance/memory.ts';
import { mountTroubles, withMountTrouble } from '../instance/mounts.ts';
import { Evictions } from './evictions.ts';
import { MemoryWatch } from './memoryWatch.ts';
import { hasNoDigest, planRevision, type RevisionInput, refusedRevision } from './plan.ts';
import { lacksAccount } from './replicaFailure.ts';
import { StartWatch } from './startWatch.ts';

export const permissions: Permission[] = [
  { apiGroups: ['serving.knative.dev'], resources: ['revisions', 'revisions/status'], verbs: ['patch'] },
  { apiGroups: ['apps'], resources: ['deployments'], verbs: ['create', 'patch'] },
  { apiGroups: [''], resources: ['pods'], verbs: ['delete'] },
  { apiGroups: [''], resources: ['events'], verbs: ['list'] },
  { apiGroups: [''], resources: ['serviceaccounts'], verbs: ['get'] },
];

/** An answer of a registry that was asked in the last moment has come by then, with what is told of it. */
const LAST_ANSWER_MS = 60_000;

/** Revision -> Deployment. What takes time, digests and startup probes, goes on beside and calls back. */
export function revisionController(context: Context): Controller {
  const { client, informers, config, abilities, now, log } = context;
  const executor = executorOf(context, 'revision', refusedRevision);
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
  const mounts = mountTroubles(client, enqueue);
  const memory = new MemoryWatch(now());
  const server = keyOf(metadataServer(context));
  const reconcile = async (key: string) => {
    const revision = informers.revisions.store.get(key);
    if (!revision || revision.metadata.deletionTimestamp) {
      resolver.forget(key);
      starts.forget(key);
      evictions.forget(key);
      mounts.forget(key);
      memory.forget(key);
      return;
    }
    const { namespace, name } = revision.metadata;
    const seen = informers.pods.store.byIndex('revision', key);
    if (isProven(revision)) mounts.forget(key);
    const pods = isProven(revision) ? seen : withMountTrouble(seen, key, mounts, now());
    const deployment = informers.deployments.store.get(keyOf({ namespace, name: deploymentName(name) }));
    const metadata = metadataNow(context);
    const routed = informers.routes.store.byIndex('revision', key).length > 0;
    const digests = digestsOf(ownerOf(revision, limitMs, now()), resolver, config);
    const pool = poolContext(revision, context);
    const startsAtZero = needsNoInstance(revision, serviceOf(revision, context));
    // A worker has no port to look at: what the kubelet says must do.
    const isProbed = !isProven(revision) && !pool;
    if (!isProbed) starts.forget(key);
    const passed = isProbed ? starts.passed(revision, pods) : new Set<string>();
    const said = evictions.of(key, pods);
    const kills = pods.flatMap((pod) => memoryKills(pod, said.get(pod.metadata.uid ?? '')));
    for (const kill of memory.fresh(key, kills)) tellKill(kill, revision, context);
    const { resizesPods } = abilities;
    const offer = { metadata, resizesPods };
    const accountMade = lacksAccount({ deployment, revision }) && (await hasAccount(revision, context));
    const known = {
      revision,
      deployment,
      ...offer,
      pods,
      kills,
      passed,
      digests,
      routed,
      pool,
      startsAtZero,
    };
    const input = { ...known, accountMade };
    return executor.execute(revision, planRevision(input, config, now()));
  };
  const controller = new Controller({ name: 'revision', workers: 8, reconcile, log })
    .watch(informers.revisions, ({ metadata }) => [keyOf(metadata)])
    .watch(informers.deployments, labelKey(SERVING.revision))
    .watch(informers.routes, (route, { old }) => [route, ...(old ? [old] : [])].flatMap(revisionsOfRoute))
    .watch(informers.pods, labelKey(SERVING.revision))
    .watch(informers.coreServices, ({ metadata }) =>
      keyOf(metadata) === server ? [...informers.revisions.store.keys()] : [],
    );
  return controller;
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
function tellKill(kill: MemoryKill, revision: Revision, context: Context): void {
  const message = memoryMessage(kill, revision.spec.containers);
  const event = { type: 'Warning', reason: REASONS.outOfMemory, message } as const;
  const owner = serviceOf(revision, context);
  for (const subject of [revision, ...(owner ? [owner] : [])]) context.recorder.event(subject, event);
  memoryExceeded.inc({ what: kill.what });
}

function serviceOf(revision: Revision, { informers }: Context): Service | undefined {
  const [service] = labelKey(SERVING.service)(revision);
  return service === undefined ? undefined : informers.services.store.get(service);
}

function isProven(revision: Revision): boolean {
  return isTrue(conditionOf(revision.status?.conditions, READY));
}

function poolContext(revision: Revision, { informers }: Context): RevisionInput['pool'] {
  if (workerPoolOf(revision) === undefined) return undefined;
  const [pool = ''] = labelKey(RUN.workerPool)(revision);
  const siblings = informers.revisions.store.byIndex('workerPool', pool);
  return { replaces: siblings.some((sibling) => sibling !== revision && isProven(sibling)) };
}

function ownerOf(revision: Revision, limitMs: number, now: number): DigestOwner {
  const { metadata, spec, status } = revision;
  const { namespace = '', name, creationTimestamp = '' } = metadata;
  const known = new Map(status?.containerStatuses?.map(({ name, imageDigest }) => [name ?? '', imageDigest]));
  const until = Date.parse(creationTimestamp) + limitMs;
  return {
    namespace,
    name,
    spec,
    known,
    until,
    givenUp: now > until + LAST_ANSWER_MS && hasNoDigest(revision),
  };
}
