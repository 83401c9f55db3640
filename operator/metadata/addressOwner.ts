import type { Pod } from '../kube/core.ts';
import { hasEnded } from '../kube/pod.ts';

/**
 * Finds the pod that owns an address. Pods start and end faster than the API shows it, and an address may pass from one
 * to the next: in doubt it has no owner. Pure.
 */

/** The state of an address. */
export type AddressOwner =
  | { state: 'owned'; pod: Pod }
  /** No pod is known to have it. */
  | { state: 'unknown' }
  /** Several pods have it, or it may just have passed to a new one; it resolves within seconds. */
  | { state: 'contested'; message: string };

/** How long after it was scheduled a pod counts as about to get its address. */
const STARTING_MS = 60_000;

/** Whether a pod may be running and has an address of its own: host network pods share the node's. */
export function hasOwnAddress(pod: Pod): boolean {
  return !pod.spec?.hostNetwork && !hasEnded(pod);
}

/** The addresses that a pod may send from, as an index of the pods. */
export function addressesOf(pod: Pod): string[] {
  if (!hasOwnAddress(pod)) return [];
  const { podIP, podIPs = [] } = pod.status ?? {};
  return [...new Set([podIP, ...podIPs.map(({ ip }) => ip)])].filter((ip): ip is string => !!ip);
}

/** The node of a pod that has no address yet, as an index of the pods. */
export function startingOn(pod: Pod): string[] {
  const node = pod.spec?.nodeName;
  return node && hasOwnAddress(pod) && addressesOf(pod).length === 0 ? [node] : [];
}

/**
 * Finds the owner of an address among the pods that claim it.
 *
 * A pod that ends releases its address before the API shows its end, and a new pod on that node could send from it before
 * the API shows the new owner. So while a pod that may have ended shares its node with one that is about to get an
 * address, the address is contested.
 * @param starting the pods on a node that have no address yet.
 */
export function findOwner(
  claimants: readonly Pod[],
  starting: (node: string) => readonly Pod[],
  now: number,
): AddressOwner {
  const alive = claimants.filter(hasOwnAddress);
  // Of several, one that cannot have ended has it, and the others have released it.
  const certain = alive.length > 1 ? alive.filter((each) => !mayHaveEnded(each)) : alive;
  const [pod, other] = certain.length > 0 ? certain : alive;
  if (!pod) return { state: 'unknown' };
  if (other) return { state: 'contested', message: `${title(pod)} and ${title(other)} both have it` };
  if (mayHaveEnded(pod)) {
    const successor = starting(pod.spec?.nodeName ?? '').find(
      (each) => each.metadata.uid !== pod.metadata.uid && now - scheduledAt(each) < STARTING_MS,
    );
    if (successor) {
      return {
        state: 'contested',
        message: `${title(pod)} may have ended, and ${title(successor)} may have got it`,
      };
    }
  }
  return { state: 'owned', pod };
}

/** Whether a later reading shows the same pod with the same address. */
export function isSameOwner(pod: Pod, later: Pod | undefined, address: string): later is Pod {
  return (
    later !== undefined && later.metadata.uid === pod.metadata.uid && addressesOf(later).includes(address)
  );
}

/** Whether a pod may have ended although the API shows it: it is being deleted, or ends with its programs, as a job's. */
export function mayHaveEnded({ metadata, spec }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined || (spec?.restartPolicy ?? 'Always') !== 'Always';
}

function scheduledAt({ metadata, status }: Pod): number {
  const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled');
  return Date.parse(String(scheduled?.lastTransitionTime ?? metadata.creationTimestamp ?? 0));
}

function title({ metadata }: Pod): string {
  return `pod ${metadata.namespace}/${metadata.name}`;
}
