import { RUN } from '../../apis/labels.ts';
import type { BatchJob, Pod } from '../../kube/core.ts';
import { TASK } from './batchJob.ts';

/** UID of the batch/v1 Job that a pod belongs to. */
export const CONTROLLER_UID = 'batch.kubernetes.io/controller-uid';

/** What tells how far a pod has come before its containers say anything. */
const KEPT_CONDITIONS: ReadonlySet<string> = new Set(['PodScheduled', 'PodReadyToStartContainers']);

type ContainerStatus = NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number];

/** A pod of an execution as the cache keeps it: ten thousand of them must fit. */
export function shortPod({ apiVersion, kind, metadata, spec, status }: Pod): Pod {
  const { name, namespace, uid, resourceVersion, creationTimestamp, deletionTimestamp } = metadata;
  const succeeded = status?.phase === 'Succeeded';
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      namespace,
      uid,
      resourceVersion,
      creationTimestamp,
      deletionTimestamp,
      labels: pick(metadata.labels, [RUN.execution, RUN.job, CONTROLLER_UID]),
      annotations: pick(metadata.annotations, [TASK.index, TASK.failures]),
    },
    spec: { activeDeadlineSeconds: spec?.activeDeadlineSeconds },
    status: {
      phase: status?.phase,
      reason: status?.reason,
      message: status?.message,
      startTime: status?.startTime,
      containerStatuses: status?.containerStatuses?.map((each) => shortContainer(each, succeeded)),
      ...(succeeded ? {} : { initContainerStatuses: status?.initContainerStatuses?.map(shortSidecar) }),
      ...(succeeded || status?.phase === 'Failed'
        ? {}
        : { conditions: status?.conditions?.filter(({ type }) => KEPT_CONDITIONS.has(type)) }),
    },
  } as Pod;
}

/** A sidecar that was started again tells by its last state how it ended. */
function shortSidecar(status: ContainerStatus): ContainerStatus {
  const { name, lastState, restartCount, started } = status;
  const last = shortContainer({ name, state: lastState, restartCount } as ContainerStatus, false);
  return { ...shortContainer(status, false), started, lastState: last.state };
}

function shortContainer({ name, state, restartCount }: ContainerStatus, succeeded: boolean): ContainerStatus {
  const terminated = state?.terminated;
  if (!terminated) return { name, state, restartCount } as ContainerStatus;
  const { exitCode, reason, message, startedAt, finishedAt } = terminated;
  const told = succeeded ? {} : { reason, message };
  return {
    name,
    restartCount,
    state: { terminated: { exitCode, startedAt, finishedAt, ...told } },
  } as ContainerStatus;
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
