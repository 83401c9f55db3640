import { RUN } from '../../apis/labels.ts';
import type { Execution } from '../../apis/run/execution/types.ts';
import type { Job } from '../../apis/run/job/types.ts';
import { Controller } from '../../kube/controller.ts';
import { isControlledBy } from '../../kube/owner.ts';
import { keyOf } from '../../kube/types.ts';
import type { Permission } from '../../rbac.ts';
import { type Context, executorOf } from '../context.ts';
import { labelKey, storesFor } from '../informers.ts';
import { planJob, refusedJob } from './plan.ts';

export const permissions: Permission[] = [
  { apiGroups: ['run.googleapis.com'], resources: ['jobs/status'], verbs: ['patch'] },
  { apiGroups: ['run.googleapis.com'], resources: ['executions'], verbs: ['create', 'delete'] },
];

/** Job -> Executions, and the end of those that nobody needs. */
export function jobController(context: Context): Controller {
  const { informers, config, now, log } = context;
  const reconcile = async (key: string) => {
    const job = stores.jobs.get(key);
    if (!job || job.metadata.deletionTimestamp) return;
    const executions = stores.executions.byIndex('job', key).filter((each) => isOf(each, job));
    return executor.execute(job, planJob({ job, executions }, config, now()));
  };
  const controller = new Controller({ name: 'job', workers: 4, reconcile, log });
  const stores = storesFor(controller, informers, 'jobs', 'executions');
  const executor = executorOf(context, 'job', stores, refusedJob);
  return controller
    .watch(informers.jobs, ({ metadata }) => [keyOf(metadata)])
    .watch(informers.executions, labelKey(RUN.job));
}

/** Whether an execution is of this job, and not of an earlier one of its name. */
function isOf(execution: Execution, { metadata }: Job): boolean {
  return isControlledBy(execution, metadata.uid ?? '');
}
