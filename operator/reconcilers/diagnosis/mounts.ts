import type { KubeClient } from '../../kube/client.ts';
import type { Pod } from '../../kube/core.ts';
import { ageMs } from '../../kube/pod.ts';
import { EventLookup, readEvents } from './eventLookup.ts';
import { FAILED_MOUNT } from './failureRules.ts';

/** How long volumes and network of a pod may take until its Events are asked for. */
export const PREPARING_MS = 3000;

/**
 * Whether a node is still at work on the volumes and the network of a pod. Its containers say nothing but
 * `ContainerCreating` then, whatever is wrong (Kubernetes, Pod lifecycle: PodReadyToStartContainers).
 */
export function isBeingPrepared({ metadata, status }: Pod): boolean {
  const is = (type: string, value: string) =>
    status?.conditions?.some((condition) => condition.type === type && condition.status === value);
  if (metadata.deletionTimestamp || status?.phase !== 'Pending') return false;
  return Boolean(is('PodScheduled', 'True') && is('PodReadyToStartContainers', 'False'));
}

/** The side queue that finds out why volumes are not mounted, for controllers whose keys `onRead` takes. */
export function mountFailures(client: Pick<KubeClient, 'list'>, onRead: (key: string) => void): EventLookup {
  const selection = {
    fieldSelector: `involvedObject.kind=Pod,reason=${FAILED_MOUNT}`,
    counts: 'last',
  } as const;
  const read = (namespace: string) => readEvents(client, namespace, selection);
  return new EventLookup({ read, onRead, patienceMs: 0 });
}

/** What the kubelet's Events say of the volumes of a pod. */
export interface MountReport {
  /** UID of the pod. */
  uid: string;
  /** Why they are not mounted; undefined where the Events say nothing of them. */
  failure?: string;
}

/**
 * What is known of the volumes of the first pod that is long in preparation; what one pod cannot mount, its siblings cannot
 * either. Undefined where none is, and until the Events have been read.
 * @param key of the object that the pods are made for.
 */
export function mountReport(
  pods: readonly Pod[],
  key: string,
  lookup: Pick<EventLookup, 'of' | 'isRead' | 'forget'>,
  now: number,
): MountReport | undefined {
  const slow = pods.find((pod) => isBeingPrepared(pod) && ageMs(pod, now) >= PREPARING_MS);
  if (!slow) {
    lookup.forget(key);
    return undefined;
  }
  const { uid = '' } = slow.metadata;
  const failure = lookup.of(key, uid)?.message;
  return failure || lookup.isRead(key) ? { uid, failure } : undefined;
}
