import { RUN } from '../../apis/labels.ts';
import { batchJobName } from '../../apis/names.ts';
import { jobOf } from '../../apis/run/execution/fromJob.ts';
import type { CompleteExecution, Execution } from '../../apis/run/execution/types.ts';
import { Controller } from '../../kube/controller.ts';
import { type BatchJob, NAMESPACES, type Pod } from '../../kube/core.ts';
import { deepEqual } from '../../kube/json.ts';
import { isControlledBy } from '../../kube/owner.ts';
import { keyOf } from '../../kube/types.ts';
import type { Permission } from '../../rbac.ts';
import { createResolver } from '../../registry/create.ts';
import { setExecutionSource } from '../../telemetry/metrics.ts';
import { type Context, executorOf, metadataNow } from '../context.ts';
import { explainRejection } from '../diagnosis/creationRejection.ts';
import { EventLookup, readEvents } from '../diagnosis/eventLookup.ts';
import { mountProblems, withMountProblem } from '../diagnosis/mounts.ts';
import { labelKey, storesFor } from '../informers.ts';
import { digestsOf } from '../pod/digests.ts';
import { isFinished } from './completion.ts';
import { isDefaulted, planDefaults } from './defaults.ts';
import { recordExecution, recordTask, seriesOf } from './metrics.ts';
import { planExecution, refusedExecution } from './plan.ts';
import { CONTROLLER_UID } from './trim.ts';

export const permissions: Permission[] = [
  { apiGroups: ['run.googleapis.com'], resources: ['executions'], verbs: ['patch'] },
  { apiGroups: ['run.googleapis.com'], resources: ['executions/status'], verbs: ['patch'] },
  { apiGroups: ['batch'], resources: ['jobs'], verbs: ['create', 'patch', 'delete'] },
  { apiGroups: [''], resources: ['pods'], verbs: ['patch'] },
  { apiGroups: [''], resources: ['events'], verbs: ['list'] },
];

/** Whether an execution's namespace is on its way out. */
export const clusterPermissions: Permission[] = [
  { apiGroups: [''], resources: ['namespaces'], verbs: ['get'] },
];

/** What pods tell may wait so long: an execution of ten thousand has dozens of changes a second. */
const GATHER_MS = 200;

/** The Events that say that no pod could be made for a batch/v1 Job; the first does not change with each attempt. */
const NO_PODS = {
  fieldSelector: 'involvedObject.apiVersion=batch/v1,involvedObject.kind=Job,reason=FailedCreate',
  counts: 'first',
} as const;

/** For how long a batch/v1 Job may be without pods until Events are asked why: most have some at once. */
const PODLESS_MS = 2000;

/** Execution -> batch/v1 Job, and back what becomes of its tasks. */
export function executionController(context: Context): Controller {
  const { client, informers, config, now, log } = context;
  const resolver = createResolver({
    client,
    config: config.registry,
    onDone: (key) => controller.enqueue(key),
    log,
  });
  /** When the status of each execution that goes on was last written. */
  const written = new Map<string, number>();
  /** Pods of an earlier execution of the name may still be going away. */
  const podsOf = (key: string, batchJob: BatchJob | undefined) =>
    stores.taskPods
      .byIndex('execution', key)
      .filter(({ metadata }) => batchJob && metadata.labels?.[CONTROLLER_UID] === batchJob.metadata.uid);
  const enqueue = (key: string) => controller.enqueue(key);
  const refusals = new EventLookup({
    read: (namespace) => readEvents(client, namespace, NO_PODS),
    onRead: enqueue,
    patienceMs: PODLESS_MS,
  });
  const mounts = mountProblems(client, enqueue);
  const refusalOf = (execution: CompleteExecution, batchJob: BatchJob | undefined, pods: readonly Pod[]) => {
    const key = keyOf(execution.metadata);
    if (!batchJob || !waitsForPods(execution, batchJob, pods)) {
      refusals.forget(key);
      return undefined;
    }
    const told = refusals.of(key, batchJob.metadata.uid ?? '');
    return told && explainRejection(told, execution.spec.template.spec.serviceAccountName);
  };
  const planOf = async (execution: Execution, batchJob: BatchJob | undefined) => {
    const { namespace = '', name } = execution.metadata;
    const key = keyOf({ namespace, name });
    const job = stores.jobs.get(keyOf({ namespace, name: jobOf(execution) ?? '' }));
    const starting = !batchJob && !isFinished(execution);
    if (!starting) resolver.forget(key);
    if (starting && !isDefaulted(execution, job)) return planDefaults(execution, job, now());
    // One that has ended may lack its spec: it was refused.
    const complete = execution as CompleteExecution;
    const owner = () => ({
      namespace,
      name,
      spec: complete.spec.template.spec,
      known: new Map(),
      asks: true,
    });
    const seen = podsOf(key, batchJob);
    const begun = !seen.every(isPending);
    if (begun) mounts.forget(key);
    const pods = begun ? seen : withMountProblem(seen, key, mounts, now());
    const input = {
      execution: complete,
      batchJob,
      pods,
      refusal: refusalOf(complete, batchJob, pods),
      digests: starting ? digestsOf(owner(), resolver, config) : new Map(),
      metadata: metadataNow(context, stores),
      namespaceEnds: await namespaceEnds(client, namespace, pods),
      writtenAt: written.get(key),
    };
    return planExecution(input, config, now());
  };
  const reconcile = async (key: string) => {
    const execution = stores.executions.get(key);
    if (!execution || execution.metadata.deletionTimestamp) {
      resolver.forget(key);
      refusals.forget(key);
      mounts.forget(key);
      written.delete(key);
      return;
    }
    const { namespace = '', name } = execution.metadata;
    const present = stores.batchJobs.get(keyOf({ namespace, name: batchJobName(name) }));
    const isOwn = present && isControlledBy(present, execution.metadata.uid ?? '');
    const batchJob = isOwn ? present : undefined;
    const plan = await planOf(execution, batchJob);
    const outcome = await executor.execute(execution, plan);
    if (isFinished(plan.status ?? execution)) written.delete(key);
    else if (plan.status && !deepEqual(plan.status.status, execution.status)) written.set(key, now());
    return outcome;
  };
  const controller = new Controller({ name: 'execution', workers: 4, reconcile, log })
    // Of those that ended before this process began, only what they have left behind is of interest: a Job of theirs comes
    // by itself. There may be a hundred thousand.
    .watch(informers.executions, (execution: Execution, { initial }) =>
      initial && isFinished(execution) ? [] : [keyOf(execution.metadata)],
    )
    .watch(informers.batchJobs, labelKey(RUN.execution));
  const stores = storesFor(
    controller,
    informers,
    'executions',
    'jobs',
    'batchJobs',
    'taskPods',
    'coreServices',
  );
  const executor = executorOf(context, 'execution', stores, refusedExecution);
  setExecutionSource(() => stores.executions.list().map(seriesOf));
  informers.executions.onChange(({ object, old }) => recordExecution(object, old));
  informers.taskPods.onChange(({ type, object, old }) => {
    if (type !== 'deleted') recordTask(object, old);
    for (const key of labelKey(RUN.execution)(object)) controller.enqueue(key, { delayMs: GATHER_MS });
  });
  return controller;
}

function isPending({ status }: Pod): boolean {
  return status?.phase === 'Pending';
}

function waitsForPods(execution: Execution, { status }: BatchJob, pods: readonly Pod[]): boolean {
  return pods.length === 0 && !isFinished(execution) && !status?.conditions?.length && !status?.succeeded;
}

/**
 * Whether the pods of an execution are deleted because their namespace is. Kubernetes deletes a namespace's pods before
 * all else, and waits for them; a Job waits with the finalizer of a pod that failed until the next attempt's is made,
 * which never is. Without its Job the pod can go.
 */
async function namespaceEnds(
  client: Context['client'],
  namespace: string,
  pods: readonly Pod[],
): Promise<boolean> {
  const isHeld = pods.some(
    ({ metadata, status }) => metadata.deletionTimestamp && status?.phase === 'Failed',
  );
  if (!isHeld) return false;
  const found = await client.get(NAMESPACES, { name: namespace });
  return found?.metadata.deletionTimestamp !== undefined;
}
