import type { Pod } from '../kube/core.ts';

/** Pods with the least cost are deleted first (Kubernetes: ReplicaSet, Pod deletion cost); none counts as 0. */
export const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';

/** The cost of a pod that is to go: less than that of one of which nothing is said. */
const CHOSEN = '-1';

export interface DeletionCostChange {
  readonly pod: Pod;
  /** null removes it. */
  readonly cost: string | null;
}

/**
 * What to write on a revision's pods before some of them are given up, so that those go that were chosen: they cost
 * less than all others, a busy one costs as much as it has requests, an idle one nothing.
 *
 * @param instances requests in flight by pod name.
 * @param remove UIDs of the pods that are to go.
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
    const cost = remove.has(pod.metadata.uid ?? '') ? CHOSEN : kept;
    if (cost !== (pod.metadata.annotations?.[DELETION_COST] ?? null)) changes.push({ pod, cost });
  }
  return changes;
}
