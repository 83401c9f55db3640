import type { Deployment, Pod } from '../kube/core.ts';
import { hasEnded, readyCondition } from '../kube/pod.ts';
import type { Candidate } from './drain.ts';
import type { RequestLoad } from './load.ts';
import type { NamedInstance } from './view.ts';

// What a scale-in reads from the cluster's objects.

/** Whether a pod counts towards its ReplicaSet's number: it is neither being deleted nor ended. */
export function isThere(pod: Pod): boolean {
  return !pod.metadata.deletionTimestamp && !hasEnded(pod);
}

export function candidateOf(pod: Pod, requests: RequestLoad | undefined): Candidate {
  const inFlight = requests?.instances.get(pod.metadata.name) ?? 0;
  return { uid: uidOf(pod), ready: readyCondition(pod) !== undefined, inFlight };
}

export function uidOf({ metadata }: Pod): string {
  return metadata.uid ?? '';
}

export function namedInstance(pod: Pod): NamedInstance {
  return { uid: uidOf(pod), name: pod.metadata.name };
}

/** Whether the Deployment's controller has observed the present number, and `seen` are all pods that it counts. */
export function isObserved({ metadata, status }: Deployment, seen: number): boolean {
  const { observedGeneration = Number.POSITIVE_INFINITY, replicas = 0 } = status ?? {};
  return observedGeneration >= (metadata.generation ?? 0) && seen >= replicas;
}
