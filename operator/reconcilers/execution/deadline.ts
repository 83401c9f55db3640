import type { Config } from '../../config.ts';
import { PODS, type Pod } from '../../kube/core.ts';
import type { Change } from '../../kube/plan.ts';
import { hasEnded, takenAt } from '../../kube/pod.ts';

/**
 * The deadline that a task's pod is made with, in seconds. Kubernetes counts it from when a node takes the pod, so it
 * leaves room for images, volumes and sidecars; once the task runs it is lowered to its own time, see {@link overdue}.
 * It ends a task whose start never ends, and one that goes on while no controller leads.
 */
export function latestDeadline(
  timeoutSeconds: number | string,
  { startup }: Pick<Config, 'startup'>,
): number {
  return Number(timeoutSeconds) + startup.limitSeconds;
}

export interface Overdue {
  /** Deadlines of the pods whose tasks have run for as long as they may: they have passed, and the kubelet ends them. */
  change: Change[];
  /** When the next one is due, in milliseconds from now. */
  nextMs?: number;
}

/**
 * The tasks that have had their time (container contract, Jobs: forced termination). It begins when their container
 * does. Only a pod that is overdue is written to: ten thousand tasks that end in time cost nothing.
 */
export function overdue(pods: readonly Pod[], timeoutSeconds: number | string, now: number): Overdue {
  const change: Change[] = [];
  let nextMs: number | undefined;
  for (const pod of pods) {
    const ran = hasEnded(pod) || pod.metadata.deletionTimestamp ? undefined : runningSince(pod);
    if (ran === undefined) continue;
    const due = ran + Number(timeoutSeconds) * 1000;
    if (due > now) nextMs = Math.min(nextMs ?? Number.POSITIVE_INFINITY, due - now);
    else change.push(...lowered(pod, due));
  }
  return { change, nextMs };
}

/** When the task's own container started, while it runs. */
function runningSince({ status }: Pod): number | undefined {
  const startedAt = status?.containerStatuses?.[0]?.state?.running?.startedAt;
  return startedAt === undefined ? undefined : Date.parse(startedAt);
}

function lowered(pod: Pod, due: number): Change[] {
  const activeDeadlineSeconds = Math.max(1, Math.round((due - takenAt(pod)) / 1000));
  const present = pod.spec?.activeDeadlineSeconds;
  if (present !== undefined && present <= activeDeadlineSeconds) return [];
  return [{ type: PODS, object: pod, patch: { spec: { activeDeadlineSeconds } } }];
}
