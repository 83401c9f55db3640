import { RUN } from '../../apis/labels.ts';
import { Controller } from '../../kube/controller.ts';
import { keyOf } from '../../kube/types.ts';
import type { Permission } from '../../rbac.ts';
import { type Context, executorOf } from '../context.ts';
import { labelKey, storesFor } from '../informers.ts';
import { observe } from './observe.ts';
import { planJob, rejectedJob } from './plan.ts';

export const permissions: Permission[] = [
  { apiGroups: ['run.googleapis.com'], resources: ['jobs/status'], verbs: ['patch'] },
  { apiGroups: ['run.googleapis.com'], resources: ['executions'], verbs: ['create', 'delete'] },
];

/** Job -> Executions, and the end of those beyond the history limit. */
export function jobController(context: Context): Controller {
  const { informers, config, now, log } = context;
  const reconcile = async (key: string) => {
    const input = await observe(key, stores, context);
    if (!input) return;
    return executor.execute(input.job, planJob(input, config, now()));
  };
  const controller = new Controller({ name: 'job', workers: 4, reconcile, log });
  const stores = storesFor(controller, informers, 'jobs', 'executions');
  const executor = executorOf(context, 'job', stores, rejectedJob);
  return controller
    .watch(informers.jobs, ({ metadata }) => [keyOf(metadata)])
    .watch(informers.executions, labelKey(RUN.job));
}
