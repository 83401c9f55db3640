import { RUN } from '../../apis/labels.ts';
import type { Execution } from '../../apis/run/execution/types.ts';
import { Controller } from '../../kube/controller.ts';
import { deepEqual } from '../../kube/json.ts';
import { keyOf } from '../../kube/types.ts';
import type { Permission } from '../../rbac.ts';
import { setExecutionSource } from '../../telemetry/metrics.ts';
import { type Context, executorOf } from '../context.ts';
import { labelKey, storesFor } from '../informers.ts';
import { isFinished } from './completion.ts';
import { recordExecution, recordTask, seriesOf } from './metrics.ts';
import { observe, READ } from './observe.ts';
import { planExecution, rejectedExecution } from './plan.ts';
import { executionQueues } from './sideQueues.ts';

export const permissions: Permission[] = [
  { apiGroups: ['run.googleapis.com'], resources: ['jobs'], verbs: ['get'] },
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

/** Changes of pods may wait so long: an execution of ten thousand has dozens of changes a second. */
const GATHER_MS = 200;

/** Execution -> batch/v1 Job, and back what becomes of its tasks. */
export function executionController(context: Context): Controller {
  const { informers, config, now, log } = context;
  const queues = executionQueues(context, (key) => controller.enqueue(key));
  const reconcile = async (key: string) => {
    const input = await observe(key, stores, queues, context);
    if (!input) return queues.forget(key);
    const { execution } = input;
    const plan = planExecution(input, config, now());
    const outcome = await executor.execute(execution, plan);
    if (isFinished(plan.status ?? execution)) queues.writes.forget(key);
    else if (plan.status && !deepEqual(plan.status.status, execution.status))
      queues.writes.record(key, now());
    return outcome;
  };
  const controller = new Controller({ name: 'execution', workers: 4, reconcile, log })
    // Of those that ended before this process began, only what they have left behind is of interest: a Job of theirs comes
    // by itself. There may be a hundred thousand.
    .watch(informers.executions, (execution: Execution, { initial }) =>
      initial && isFinished(execution) ? [] : [keyOf(execution.metadata)],
    )
    .watch(informers.batchJobs, labelKey(RUN.execution));
  const stores = storesFor(controller, informers, ...READ);
  const executor = executorOf(context, 'execution', stores, rejectedExecution);
  setExecutionSource(() => stores.executions.list().map(seriesOf));
  informers.executions.onChange(({ object, old }) => recordExecution(object, old));
  informers.taskPods.onChange(({ type, object, old }) => {
    if (type !== 'deleted') recordTask(object, old);
    for (const key of labelKey(RUN.execution)(object)) controller.enqueue(key, { delayMs: GATHER_MS });
  });
  return controller;
}
