import { RUN } from '../../apis/labels.ts';
import { batchJobName } from '../../apis/names.ts';
import type { CompleteExecution } from '../../apis/run/execution/types.ts';
import type { Config } from '../../config.ts';
import type { BatchJob } from '../../kube/core.ts';
import { controllerReference } from '../../kube/owner.ts';
import { steersNothing } from '../inherit.ts';
import type { MetadataAccess } from '../pod/metadata.ts';
import { instancePodSpec } from '../pod/pod.ts';
import { latestDeadline } from './deadline.ts';

/** Where Kubernetes gives a task its index, and how often it has failed (KEP-2214, KEP-3850). */
export const TASK = {
  index: 'batch.kubernetes.io/job-completion-index',
  failures: 'batch.kubernetes.io/job-index-failure-count',
} as const;

/**
 * The batch/v1 Job that runs an execution: each task is an index of it, retried by itself, and the first that fails
 * for good ends them all. It never changes but to be stopped, and to be collected when the execution is over.
 */
export function desiredBatchJob(
  execution: CompleteExecution,
  images: ReadonlyMap<string, string>,
  config: Pick<Config, 'instance' | 'serviceAccounts' | 'jobs' | 'startup'>,
  metadata?: MetadataAccess,
): BatchJob {
  const { name, namespace, annotations = {} } = execution.metadata;
  const { taskCount, parallelism } = execution.spec;
  const task = execution.spec.template.spec;
  const labels = taskLabels(execution);
  const pod = instancePodSpec(task, {
    images,
    env: taskEnv(execution),
    podEnv: {
      CLOUD_RUN_TASK_INDEX: `metadata.annotations['${TASK.index}']`,
      CLOUD_RUN_TASK_ATTEMPT: `metadata.annotations['${TASK.failures}']`,
    },
    ingress: false,
    task: true,
    annotations,
    metadata,
    config,
  });
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: batchJobName(name),
      namespace,
      labels,
      ownerReferences: [controllerReference(execution)],
    },
    spec: {
      completionMode: 'Indexed',
      completions: taskCount,
      parallelism: Math.min(parallelism || taskCount, taskCount, config.jobs.maxParallelism),
      backoffLimitPerIndex: task.maxRetries,
      maxFailedIndexes: 0,
      podReplacementPolicy: 'Failed',
      ...disruptions(task.maxRetries),
      template: {
        metadata: { labels, annotations: steersNothing(annotations) },
        spec: {
          ...pod,
          restartPolicy: 'Never',
          activeDeadlineSeconds: latestDeadline(task.timeoutSeconds, config),
        },
      },
    },
  } as BatchJob;
}

/**
 * A node that is drained or lost is no failure of the task and costs no attempt. Without retries a task is not started
 * again for that either: whoever asks for none may count on it.
 */
function disruptions(maxRetries: number): object {
  if (maxRetries === 0) return {};
  const onPodConditions = [{ type: 'DisruptionTarget', status: 'True' }];
  return { podFailurePolicy: { rules: [{ action: 'Ignore', onPodConditions }] } };
}

/** Environment of a task's containers (container contract, Environment variables for jobs). */
function taskEnv({ metadata, spec }: CompleteExecution): Record<string, string> {
  return {
    CLOUD_RUN_JOB: metadata.labels?.[RUN.job] ?? '',
    CLOUD_RUN_EXECUTION: metadata.name,
    CLOUD_RUN_TASK_COUNT: String(spec.taskCount),
  };
}

function taskLabels({ metadata }: CompleteExecution): Record<string, string> {
  return { app: metadata.name, ...metadata.labels, [RUN.execution]: metadata.name };
}
