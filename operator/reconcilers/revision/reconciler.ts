import { SERVING } from '../../apis/labels.ts';
import { REVISION_REASONS as REASONS } from '../../apis/serving/revision/conditions.ts';
import { Controller } from '../../kube/controller.ts';
import { keyOf } from '../../kube/types.ts';
import type { Permission } from '../../rbac.ts';
import { memoryExceeded } from '../../telemetry/metrics.ts';
import { type Context, executorOf, metadataServer } from '../context.ts';
import { memoryMessage } from '../diagnosis/memory.ts';
import { labelKey, revisionsOfRoute, type Stores, storesFor } from '../informers.ts';
import type { RevisionInput } from './input.ts';
import type { MemoryWatch } from './memoryWatch.ts';
import { latestCreated, observe, READ, serviceOf } from './observe.ts';
import { planRevision, rejectedRevision } from './plan.ts';
import { revisionQueues } from './sideQueues.ts';

export const permissions: Permission[] = [
  { apiGroups: ['serving.knative.dev'], resources: ['revisions', 'revisions/status'], verbs: ['patch'] },
  { apiGroups: ['apps'], resources: ['deployments'], verbs: ['create', 'patch'] },
  { apiGroups: [''], resources: ['pods'], verbs: ['delete'] },
  { apiGroups: [''], resources: ['events'], verbs: ['list'] },
  { apiGroups: [''], resources: ['serviceaccounts', 'resourcequotas'], verbs: ['get'] },
];

/** Revision -> Deployment. What takes time, digests and startup probes, goes on beside and calls back. */
export function revisionController(context: Context): Controller {
  const { informers, config, now, log } = context;
  const enqueue = (key: string) => controller.enqueue(key);
  const queues = revisionQueues(context, enqueue);
  const server = keyOf(metadataServer(context));
  const reconcile = async (key: string) => {
    const input = await observe(key, stores, queues, context);
    if (!input) return queues.forget(key);
    reportKills(key, input, queues.memory, stores, context);
    const plan = planRevision(input, config, now());
    if (plan.template) queues.rollOuts.record(key, plan.template, () => enqueue(key));
    return executor.execute(input.revision, plan);
  };
  const controller = new Controller({ name: 'revision', workers: 8, reconcile, log });
  context.scaling.onChange(enqueue);
  const stores = storesFor(controller, informers, ...READ);
  const executor = executorOf(context, 'revision', stores, rejectedRevision);
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

/** Kills that have not been reported yet, as Events of the revision and of its service, and in the metrics. */
function reportKills(
  key: string,
  { revision, kills = [] }: RevisionInput,
  memory: MemoryWatch,
  stores: Stores<'services'>,
  { recorder }: Context,
): void {
  for (const kill of memory.fresh(key, kills)) {
    const message = memoryMessage(kill, revision.spec.containers);
    const event = { type: 'Warning', reason: REASONS.outOfMemory, message } as const;
    const owner = serviceOf(revision, stores);
    for (const subject of [revision, ...(owner ? [owner] : [])]) recorder.event(subject, event);
    memoryExceeded.inc({ what: kill.what });
  }
}
