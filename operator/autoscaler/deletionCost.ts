import type { Pod } from '../kube/core.ts';

/** Pods with the least cost are deleted first (Kubernetes: ReplicaSet, Pod deletion cost); none counts as 0. */
export const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';

/** The cost of a pod to remove: less than that of a pod without the annotation. */
const SELECTED = '-1';

export interface DeletionCostChange {
  readonly pod: Pod;
  /** null removes it. */
  readonly cost: string | null;
}

/**
 * The deletion costs to write on a revision's pods before a scale-in, so that Kubernetes deletes the selected ones: they
 * cost less than all others, a busy one costs as much as it has requests, an idle one nothing.
 *
 * @param instances requests in flight by pod name.
 * @param remove UIDs of the pods to remove.
 */
export function deletionCostChanges(
  pods: readonly Pod[],
  instances: ReadonlyMap<string, number>,
  remove: ReadonlySet<string> = new Set(),
): DeletionCostChange[] {
  const changes: DeletionCostChange[] = [];
  for (const pod of pods) {
    if (pod.metadata.deletionTimestamp) continue;
    const inFlight = instances.get(pod.metadata.name) ?? 0;
    const kept = inFlight > 0 ? String(inFlight) : null;
    const cost = remove.has(pod.metadata.uid ?? '') ? SELECTED : kept;
    if (cost !== (pod.metadata.annotations?.[DELETION_COST] ?? null)) changes.push({ pod, cost });
  }
  return changes;
}
