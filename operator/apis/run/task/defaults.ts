import { defaultContainer } from '../../serving/container/defaults.ts';
import { containerNames } from '../../serving/container/names.ts';
import type { Volume } from '../../serving/container/types.ts';
import { defaultVolume } from '../../serving/volume/defaults.ts';
import type { CompleteExecutionSpec, CompleteTaskSpec, ExecutionSpec, TaskSpec } from '../execution/types.ts';

/** Default number of retries of a task (API reference, TaskSpec: maxRetries). */
export const DEFAULT_RETRIES = 3;
/** Default timeout of an attempt in seconds (API reference, TaskSpec: timeoutSeconds). */
export const DEFAULT_TIMEOUT_SECONDS = 600;
/** Default number of tasks of an execution (API reference, ExecutionSpec: taskCount). */
export const DEFAULT_TASKS = 1;

/**
 * The spec of an execution with its defaults set. Pure and idempotent.
 * @param job name of the job, from which names of containers are generated.
 */
export function defaultExecutionSpec(spec: ExecutionSpec, job: string): CompleteExecutionSpec {
  return {
    ...spec,
    taskCount: spec.taskCount ?? DEFAULT_TASKS,
    template: { ...spec.template, spec: defaultTaskSpec(spec.template.spec, job) },
  };
}

function defaultTaskSpec(spec: TaskSpec, job: string): CompleteTaskSpec {
  const names = containerNames(spec.containers, job);
  const containers = spec.containers.map((container, i) =>
    defaultContainer(container, { name: names[i] ?? job, ingress: false, startupProbe: false }),
  );
  return {
    ...spec,
    containers,
    ...(spec.volumes ? { volumes: (spec.volumes as Volume[]).map(defaultVolume) } : {}),
    maxRetries: spec.maxRetries ?? DEFAULT_RETRIES,
    timeoutSeconds: spec.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS,
    serviceAccountName: spec.serviceAccountName || 'default',
  };
}
