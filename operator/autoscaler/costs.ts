import type { Pod } from '../kube/core.ts';

/** Pods with the least cost are deleted first (Kubernetes: ReplicaSet, Pod deletion cost); none counts as 0. */
export const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';

export interface CostChange {
  readonly pod: Pod;
  /** null removes it. */
  readonly cost: string | null;
}

/**
 * What to write on a revision's pods before some of them are given up, so that the idle ones go: a busy one
 * costs as much as it has requests, an idle one nothing.
 *
 * @param instances requests in flight by pod name.
 */
export function costChanges(pods: readonly Pod[], instances: ReadonlyMap<string, number>): CostChange[] {
  const changes: CostChange[] = [];
  for (const pod of pods) {
    if (pod.metadata.deletionTimestamp) continue;
    const inFlight = instances.get(pod.metadata.name) ?? 0;
    const cost = inFlight > 0 ? String(inFlight) : null;
    if (cost !== (pod.metadata.annotations?.[DELETION_COST] ?? null)) changes.push({ pod, cost });
  }
  return changes;
}
