import { isControlledBy } from '../../kube/owner.ts';
import type { Stores } from '../informers.ts';
import type { JobInput } from './plan.ts';

/** A job with its executions, without those of an earlier job of its name; undefined when it is gone or going. */
export function observe(key: string, stores: Stores<'jobs' | 'executions'>): JobInput | undefined {
  const job = stores.jobs.get(key);
  if (!job || job.metadata.deletionTimestamp) return undefined;
  const { uid = '' } = job.metadata;
  const executions = stores.executions.byIndex('job', key).filter((each) => isControlledBy(each, uid));
  return { job, executions };
}
