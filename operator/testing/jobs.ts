import type { Condition } from '../apis/condition.ts';
import { RUN } from '../apis/labels.ts';
import { executionOf } from '../apis/run/execution/fromJob.ts';
import type { CompleteExecution } from '../apis/run/execution/types.ts';
import type { Job } from '../apis/run/job/types.ts';
import type { BatchJob, Pod } from '../kube/core.ts';
import { controllerReference } from '../kube/owner.ts';
import type { ObjectMeta } from '../kube/types.ts';
import { EPOCH, IMAGE } from './serving.ts';

// Jobs, executions and their pods for tests, as the API server would hold them.

type ExecutionTemplateSpec = Job['spec']['template']['spec'];
type TaskSpec = ExecutionTemplateSpec['template']['spec'];

/** RFC 3339 of a moment after {@link EPOCH}. */
export function after(seconds: number): string {
  return new Date(EPOCH + seconds * 1000).toISOString().replace('.000', '');
}

export interface JobChanges {
  metadata?: Partial<ObjectMeta>;
  spec?: Partial<Job['spec']>;
  execution?: Partial<ExecutionTemplateSpec>;
  task?: Partial<TaskSpec>;
  annotations?: Record<string, string>;
  status?: Job['status'];
}

export function job(changes: JobChanges = {}): Job {
  const { metadata, spec, execution, task, annotations, status } = changes;
  return {
    apiVersion: 'run.googleapis.com/v1',
    kind: 'Job',
    metadata: {
      name: 'hello',
      namespace: 'demo',
      uid: 'job-hello',
      generation: 1,
      resourceVersion: '1',
      creationTimestamp: after(0),
      ...metadata,
    },
    spec: {
      template: {
        metadata: { annotations },
        spec: { ...execution, template: { spec: { containers: [{ image: IMAGE }], ...task } } },
      },
      ...spec,
    },
    ...(status ? { status } : {}),
  } as Job;
}

export interface ExecutionChanges extends JobChanges {
  name?: string;
  executionAnnotations?: Record<string, string>;
  /** Conditions that its status has, each as `Type=Status` or `Type=Status:Reason`. */
  conditions?: string[];
  executionStatus?: CompleteExecution['status'];
  createdAt?: number;
}

/** An execution of the job `hello`. */
export function execution(changes: ExecutionChanges = {}): CompleteExecution {
  const {
    name = 'hello-abc',
    executionAnnotations,
    conditions,
    createdAt = 0,
    metadata: _,
    ...rest
  } = changes;
  const made = executionOf(job(rest), { name });
  const status = {
    ...(conditions ? { conditions: conditions.map(condition) } : {}),
    ...changes.executionStatus,
  };
  return {
    ...made,
    metadata: {
      ...made.metadata,
      uid: `execution-${name}`,
      generation: 1,
      creationTimestamp: after(createdAt),
      annotations: { ...made.metadata.annotations, ...executionAnnotations },
    },
    ...(Object.keys(status).length > 0 ? { status } : {}),
  } as CompleteExecution;
}

function condition(text: string): Condition {
  const [, type = '', status, reason] = /^(\w+)=(\w+):?(\w+)?$/.exec(text) ?? [];
  return { type, status: status as Condition['status'], reason, lastTransitionTime: after(0) };
}

/** The batch/v1 Job of an execution. */
export function batchJob(
  status: BatchJob['status'] = {},
  spec: Partial<NonNullable<BatchJob['spec']>> = {},
  owner: CompleteExecution = execution(),
): BatchJob {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: owner.metadata.name,
      namespace: 'demo',
      uid: 'batch',
      creationTimestamp: after(0),
      labels: { [RUN.execution]: owner.metadata.name },
      ownerReferences: [controllerReference(owner)],
    },
    spec: { ...spec },
    status: { startTime: after(1), ...status },
  } as BatchJob;
}

/** A condition of a batch/v1 Job that holds since `seconds`. */
export function finished(type: 'Complete' | 'Failed' | 'Suspended', seconds: number): BatchJob['status'] {
  return { conditions: [{ type, status: 'True', lastTransitionTime: after(seconds) }] } as BatchJob['status'];
}

export interface TaskPodChanges {
  attempt?: number;
  phase?: string;
  /** State of the one container. */
  state?: object;
  status?: object;
  metadata?: Partial<ObjectMeta>;
}

/** A pod of the execution `hello-abc`. */
export function taskPod(index: number, changes: TaskPodChanges = {}): Pod {
  const { attempt = 0, phase = 'Running', status, metadata } = changes;
  const states: Record<string, object> = {
    Running: { running: { startedAt: after(3) } },
    Succeeded: { terminated: { exitCode: 0, startedAt: after(3), finishedAt: after(5) } },
    Failed: { terminated: { exitCode: 1, reason: 'Error', startedAt: after(3), finishedAt: after(5) } },
    Pending: { waiting: { reason: 'ContainerCreating' } },
  };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `hello-abc-${index}-${attempt}`,
      namespace: 'demo',
      uid: `pod-${index}-${attempt}`,
      creationTimestamp: after(1 + attempt),
      labels: { [RUN.execution]: 'hello-abc', 'batch.kubernetes.io/controller-uid': 'batch' },
      annotations: {
        'batch.kubernetes.io/job-completion-index': String(index),
        'batch.kubernetes.io/job-index-failure-count': String(attempt),
      },
      ...metadata,
    },
    status: {
      phase,
      containerStatuses: [{ name: 'user-container', state: changes.state ?? states[phase] }],
      ...status,
    },
  } as Pod;
}
