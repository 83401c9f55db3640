import type { Condition } from '../../apis/condition.ts';
import { RUN } from '../../apis/labels.ts';
import { EXECUTION_CONDITIONS as TYPES } from '../../apis/run/execution/conditions.ts';
import type { Execution } from '../../apis/run/execution/types.ts';
import type { BatchJob, Pod } from '../../kube/core.ts';
import { identityOf } from '../../kube/types.ts';
import type { ContainerStatus } from '../diagnosis/evidence.ts';
import { TASK } from './batchJob.ts';
import { isFinished } from './completion.ts';

/** UID of the batch/v1 Job that a pod belongs to. */
export const CONTROLLER_UID = 'batch.kubernetes.io/controller-uid';

/** The conditions that say how far a pod has come before its containers have a state. */
const KEPT_CONDITIONS: ReadonlySet<string> = new Set(['PodScheduled', 'PodReadyToStartContainers']);

/** The conditions of an execution that has ended which its job and metrics read. */
const KEPT_OF_ENDED: ReadonlySet<string> = new Set([TYPES.completed, TYPES.started]);

/** A pod of an execution as the cache keeps it: ten thousand of them must fit. */
export function trimPod({ apiVersion, kind, metadata, spec, status }: Pod): Pod {
  const succeeded = status?.phase === 'Succeeded';
  return {
    apiVersion,
    kind,
    metadata: {
      ...identityOf(metadata),
      labels: pick(metadata.labels, [RUN.execution, RUN.job, CONTROLLER_UID]),
      annotations: pick(metadata.annotations, [TASK.index, TASK.failures]),
    },
    spec: { activeDeadlineSeconds: spec?.activeDeadlineSeconds },
    status: {
      phase: status?.phase,
      reason: status?.reason,
      message: status?.message,
      startTime: status?.startTime,
      containerStatuses: status?.containerStatuses?.map((each) => trimContainer(each, succeeded)),
      ...(succeeded ? {} : { initContainerStatuses: status?.initContainerStatuses?.map(trimSidecar) }),
      ...(succeeded || status?.phase === 'Failed'
        ? {}
        : { conditions: status?.conditions?.filter(({ type }) => KEPT_CONDITIONS.has(type)) }),
    },
  } as Pod;
}

/** The last state of a sidecar that was started again says how it ended. */
function trimSidecar(status: ContainerStatus): ContainerStatus {
  const { name, lastState, restartCount, started } = status;
  const last = trimContainer({ name, state: lastState, restartCount } as ContainerStatus, false);
  return { ...trimContainer(status, false), started, lastState: last.state };
}

function trimContainer({ name, state, restartCount }: ContainerStatus, succeeded: boolean): ContainerStatus {
  const terminated = state?.terminated;
  if (!terminated) return { name, state, restartCount } as ContainerStatus;
  const { exitCode, reason, message, startedAt, finishedAt } = terminated;
  const why = succeeded ? {} : { reason, message };
  const trimmed = { terminated: { exitCode, startedAt, finishedAt, ...why } };
  return { name, restartCount, state: trimmed } as ContainerStatus;
}

/**
 * An execution as the cache keeps it: whole while it goes on. Of one that has ended, of which there may be a hundred for
 * each job, what its job, its collection and metrics read; nothing of it is ever written again.
 */
export function trimExecution(execution: Execution): Execution {
  if (!isFinished(execution)) return execution;
  const { apiVersion, kind, metadata, status } = execution;
  const { ownerReferences } = metadata;
  const { startTime, completionTime, conditions = [] } = status ?? {};
  return {
    apiVersion,
    kind,
    metadata: {
      ...identityOf(metadata),
      labels: pick(metadata.labels, [RUN.job]),
      ownerReferences,
    },
    status: {
      startTime,
      completionTime,
      conditions: conditions.filter(({ type }) => KEPT_OF_ENDED.has(type)).map(trimCondition),
    },
  } as Execution;
}

/** A condition that is True needs no reason. */
function trimCondition({ type, status, reason, message }: Condition): Condition {
  return status === 'True' ? { type, status } : { type, status, reason, message };
}

/** A batch/v1 Job without the pods that it makes: those never change, and only the API server needs them. */
export function withoutTemplate(job: BatchJob): BatchJob {
  if (!job.spec) return job;
  const { template: _, ...spec } = job.spec;
  return { ...job, spec: spec as BatchJob['spec'] };
}

function pick(map: Record<string, string> | undefined, keys: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    keys.flatMap((key) => {
      const value = map?.[key];
      return value === undefined ? [] : [[key, value]];
    }),
  );
}
