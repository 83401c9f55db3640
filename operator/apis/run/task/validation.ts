import { type Fault, outOfRange, shown } from '../../fault.ts';
import { isQuantity, parseQuantity } from '../../quantity.ts';
import { validateDependencies } from '../../serving/container/dependencies.ts';
import { GPU } from '../../serving/container/resources.ts';
import type { TemplateContainer, Volume } from '../../serving/container/types.ts';
import { validateContainers } from '../../serving/container/validation.ts';
import { validateInstance } from '../../serving/instance/validation.ts';
import {
  acceleratorOf,
  validateNodeSelector,
  validateServiceAccount,
} from '../../serving/revision/validation.ts';
import { validateVolumes } from '../../serving/volume/validation.ts';
import type { ExecutionSpec, TaskSpec } from '../execution/types.ts';
import { DEFAULT_TASKS } from './defaults.ts';
import { mainContainers } from './main.ts';
import { MAX_GPU_TIMEOUT_SECONDS, MAX_RETRIES, MAX_TASKS, MAX_TIMEOUT_SECONDS } from './schema.ts';

/** What stands beside the spec of an execution: the annotations that say in which order containers start. */
export interface SpecContext {
  annotations: Record<string, string> | undefined;
  /** Where those are. */
  annotationsPath: string;
}

/** The faults of the spec of an execution, as a job declares it or as it is complete. */
export function validateExecutionSpec(spec: ExecutionSpec, context: SpecContext, path: string): Fault[] {
  return [
    ...validateCounts(spec, path),
    ...validateTaskSpec(spec.template.spec, context, `${path}.template.spec`),
  ];
}

/** The faults of the numbers of tasks: how many, and how many at once. */
export function validateCounts(
  { taskCount, parallelism = 0 }: Pick<ExecutionSpec, 'taskCount' | 'parallelism'>,
  path: string,
): Fault[] {
  const faults = [
    ...outOfRange(taskCount, [1, MAX_TASKS], `${path}.taskCount`),
    ...outOfRange(parallelism, [0, MAX_TASKS], `${path}.parallelism`),
  ];
  const tasks = taskCount ?? DEFAULT_TASKS;
  if (faults.length > 0 || parallelism <= tasks) return faults;
  const message = `is ${parallelism}; it must be at most taskCount, ${tasks}`;
  return [{ path: `${path}.parallelism`, value: parallelism, message }];
}

function validateTaskSpec(spec: TaskSpec, context: SpecContext, path: string): Fault[] {
  const { annotations, annotationsPath } = context;
  const { containers } = spec;
  const volumes = new Set(spec.volumes?.map(({ name }) => name));
  return [
    ...validateDependencies(annotations, containers, annotationsPath),
    ...validateContainers(
      containers,
      { ingress: false, task: true, volumes, accelerator: acceleratorOf(spec) },
      `${path}.containers`,
    ),
    ...validateMainContainer(containers, annotations, `${path}.containers`),
    ...validateInstance(containers, { annotations, annotationsPath, of: 'task' }, `${path}.containers`),
    ...validateVolumes(spec.volumes as Volume[] | undefined, `${path}.volumes`),
    ...outOfRange(spec.maxRetries, [0, MAX_RETRIES], `${path}.maxRetries`),
    ...validateTimeout(spec.timeoutSeconds, usesGpu(containers), `${path}.timeoutSeconds`),
    ...validateServiceAccount(spec.serviceAccountName, `${path}.serviceAccountName`),
    ...validateNodeSelector(spec, path),
  ];
}

/** Somebody must wait for all others, directly or not; otherwise nobody knows when the task has ended. */
function validateMainContainer(
  containers: readonly TemplateContainer[],
  annotations: Record<string, string> | undefined,
  path: string,
): Fault[] {
  const main = mainContainers(containers, annotations);
  if (main.length <= 1) return [];
  const names = main.map(({ name }) => (name ? `${shown(name)}` : 'one without a name')).join(' and ');
  const message =
    `has ${main.length} containers that nobody waits for, ${names}; exactly one must be the main container, with which the task ends: ` +
    'let it wait for the others in annotation run.googleapis.com/container-dependencies, as in {"main":["sidecar"]}';
  return [{ path, value: main.length, message }];
}

/** The faults of the time for one attempt, which clients of Cloud Run write as a number or as a text of digits. */
export function validateTimeout(value: number | string | undefined, gpu: boolean, path: string): Fault[] {
  if (value === undefined) return [];
  const seconds = typeof value === 'string' && !/^\d{1,9}$/.test(value) ? Number.NaN : Number(value);
  const most = gpu ? MAX_GPU_TIMEOUT_SECONDS : MAX_TIMEOUT_SECONDS;
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= most) return [];
  const range = gpu ? `${most}, one hour, with a GPU` : `${most}, 168 hours`;
  const message = `is ${shown(value)}; it must be a whole number of seconds from 1 to ${range}`;
  return [{ path, value, message }];
}

/** Whether a container asks for a GPU. */
export function usesGpu(containers: readonly TemplateContainer[]): boolean {
  return containers.some(({ resources }) => {
    const gpus = resources?.limits?.[GPU];
    return gpus !== undefined && (!isQuantity(gpus) || parseQuantity(gpus) !== 0n);
  });
}
