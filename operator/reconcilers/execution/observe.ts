import { batchJobName } from '../../apis/names.ts';
import { isComplete, jobOf } from '../../apis/run/execution/fromJob.ts';
import type { CompleteExecution, Execution } from '../../apis/run/execution/types.ts';
import { JOBS, type Job } from '../../apis/run/job/types.ts';
import { type BatchJob, NAMESPACES, type Pod } from '../../kube/core.ts';
import { isControlledBy } from '../../kube/owner.ts';
import { keyOf } from '../../kube/types.ts';
import { type Context, metadataNow } from '../context.ts';
import { explainRejection } from '../diagnosis/creationRejection.ts';
import type { Rejection } from '../diagnosis/evidence.ts';
import { type MountReport, mountReport } from '../diagnosis/mounts.ts';
import { digestsOf } from '../digests.ts';
import type { Stores } from '../informers.ts';
import { isFinished } from './completion.ts';
import { isDefaulted } from './defaults.ts';
import type { ExecutionInput } from './input.ts';
import type { ExecutionQueues } from './sideQueues.ts';
import { CONTROLLER_UID } from './trim.ts';

/** What an execution and its tasks depend on. */
export const READ = ['executions', 'jobs', 'batchJobs', 'taskPods', 'coreServices'] as const;

export type ExecutionStores = Stores<(typeof READ)[number]>;

/** An execution, its tasks, and what its side queues know of them; undefined when it is gone or going. */
export async function observe(
  key: string,
  stores: ExecutionStores,
  queues: ExecutionQueues,
  context: Context,
): Promise<ExecutionInput | undefined> {
  const execution = stores.executions.get(key);
  if (!execution || execution.metadata.deletionTimestamp) return undefined;
  const { namespace = '', name, uid = '' } = execution.metadata;
  const present = stores.batchJobs.get(keyOf({ namespace, name: batchJobName(name) }));
  const batchJob = present && isControlledBy(present, uid) ? present : undefined;
  const job = await jobToRun(execution, stores, context);
  const pods = podsOf(key, batchJob, stores);
  const starts = !batchJob && !isFinished(execution);
  if (!starts) queues.digests.forget(key);
  return {
    execution,
    job,
    batchJob,
    pods,
    mount: mountOf(key, pods, queues, context),
    rejection: rejectionOf(execution, batchJob, pods, queues),
    digests: starts && isDefaulted(execution, job) ? digests(execution, queues, context) : new Map(),
    metadata: metadataNow(context, stores),
    namespaceEnds: await namespaceEnds(context.client, namespace, pods),
    writtenAt: queues.writes.of(key),
  };
}

/**
 * The job that an execution names. Where nobody has filled in the execution, it is asked for: `kubectl apply` makes or
 * changes a job and makes its execution at nearly the same time, and the run is one of the job as it is then.
 */
async function jobToRun(
  execution: Execution,
  { jobs }: ExecutionStores,
  { client }: Context,
): Promise<Job | undefined> {
  const name = jobOf(execution);
  if (!name) return undefined;
  const { namespace, ownerReferences = [] } = execution.metadata;
  const isFilledIn = isComplete(execution) && ownerReferences.some(({ controller }) => controller);
  if (isFilledIn || isFinished(execution)) return jobs.get(keyOf({ namespace, name }));
  return client.get(JOBS, { namespace, name });
}

/** The pods of the tasks; pods of an earlier execution of the name may still be going away. */
function podsOf(key: string, batchJob: BatchJob | undefined, { taskPods }: Stores<'taskPods'>): Pod[] {
  if (!batchJob) return [];
  const { uid } = batchJob.metadata;
  return taskPods
    .byIndex('execution', key)
    .filter(({ metadata }) => metadata.labels?.[CONTROLLER_UID] === uid);
}

/** Why volumes are not mounted; that is only asked while no task has begun. */
function mountOf(
  key: string,
  pods: Pod[],
  { mounts }: Pick<ExecutionQueues, 'mounts'>,
  { now }: Pick<Context, 'now'>,
): MountReport | undefined {
  return mountReport(pods.every(isPending) ? pods : [], key, mounts, now());
}

function isPending({ status }: Pod): boolean {
  return status?.phase === 'Pending';
}

function digests(execution: CompleteExecution, queues: ExecutionQueues, { config }: Context) {
  const { namespace = '', name } = execution.metadata;
  const owner = { namespace, name, spec: execution.spec.template.spec, known: new Map(), asks: true };
  return digestsOf(owner, queues.digests, config);
}

/** Why the cluster makes no pods for the batch/v1 Job. */
function rejectionOf(
  execution: Execution,
  batchJob: BatchJob | undefined,
  pods: readonly Pod[],
  { rejections }: Pick<ExecutionQueues, 'rejections'>,
): Rejection | undefined {
  const key = keyOf(execution.metadata);
  if (!batchJob || !waitsForPods(execution, batchJob, pods)) {
    rejections.forget(key);
    return undefined;
  }
  const event = rejections.of(key, batchJob.metadata.uid ?? '');
  return event && explainRejection(event, execution.spec?.template?.spec?.serviceAccountName);
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
