import type { Pod } from './core.ts';

/** The condition that says that a pod is ready, while it is (Kubernetes, Pod lifecycle: Pod conditions). */
export function readyCondition({ status }: Pod) {
  return status?.conditions?.find(({ type, status }) => type === 'Ready' && status === 'True');
}

/** Whether a pod has come to its end: none of its containers is ever started again. */
export function hasEnded({ status }: Pod): boolean {
  return status?.phase === 'Failed' || status?.phase === 'Succeeded';
}

/** Since when a node has had a pod, or the pod has waited for one, in milliseconds since 1970. */
export function takenAt({ metadata, status }: Pod): number {
  return Date.parse(status?.startTime ?? metadata.creationTimestamp ?? '');
}

/** For how long a node has had a pod, or the pod has waited for one, in milliseconds. */
export function ageMs(pod: Pod, now: number): number {
  return now - takenAt(pod);
}

/** The status of all containers of a pod, init containers first: those that others wait for are such. */
export function containerStatuses({ status }: Pod) {
  return [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
}

/**
 * Since when nothing of a pod has run, as the kubelet says: each of its containers has ended, and none has been started
 * again. In ms since 1970, whole seconds and so up to one too early; undefined while something runs, and where the kubelet
 * has not said.
 */
export function stoppedAt(pod: Pod): number | undefined {
  const statuses = containerStatuses(pod);
  const ends = statuses.map(({ state, lastState }) => {
    const ended = state?.running ? undefined : (state?.terminated ?? lastState?.terminated);
    return Date.parse(ended?.finishedAt ?? '');
  });
  const last = Math.max(...ends);
  return Number.isFinite(last) ? last : undefined;
}
