import { conditionOf, isTrue, READY } from '../../apis/condition.ts';
import { EXECUTIONS, type Execution } from '../../apis/run/execution/types.ts';
import type { Job } from '../../apis/run/job/types.ts';
import { isControlledBy } from '../../kube/owner.ts';
import { keyOf } from '../../kube/types.ts';
import type { Context } from '../context.ts';
import type { Stores } from '../informers.ts';
import { unseen } from '../unseen.ts';
import type { JobInput } from './plan.ts';
import { awaitedRun } from './runs.ts';

/** A job with its executions, without those of an earlier job of its name; undefined when it is gone or going. */
export async function observe(
  key: string,
  stores: Stores<'jobs' | 'executions'>,
  { client }: Pick<Context, 'client'>,
): Promise<JobInput | undefined> {
  const job = stores.jobs.get(key);
  if (!job || job.metadata.deletionTimestamp) return undefined;
  const { uid = '', namespace } = job.metadata;
  const awaited = isReady(job) ? undefined : awaitedRun(job);
  const keys = awaited === undefined ? [] : [keyOf({ namespace, name: awaited })];
  const isOwn = (execution: Execution) => isControlledBy(execution, uid);
  const others = await unseen(keys, stores.executions, EXECUTIONS, client, isOwn);
  return { job, executions: [...stores.executions.byIndex('job', key), ...others].filter(isOwn) };
}

/** Whether the job waits for no run any more; the one that it waited for may have been collected since. */
function isReady({ metadata, status }: Job): boolean {
  return status?.observedGeneration === metadata.generation && isTrue(conditionOf(status?.conditions, READY));
}
