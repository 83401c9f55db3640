import type { Config } from '../../config.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Pod } from '../../kube/core.ts';
import { ageMs } from '../../kube/pod.ts';
import { earliest } from '../duration.ts';
import { EventLookup, readEvents } from './eventLookup.ts';
import { FAILED_MOUNT, FAILURE_RULES } from './failureRules.ts';

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

/** The time that an instance has to start. */
export type StartLimits = Pick<Config, 'startup'>;

/**
 * Whether a node has prepared a pod for as long as an instance has to start, so that it may never be done: some troubles of
 * a node, such as a full disk, leave behind what the kubelet fails at for ever. Another pod may do better, there or elsewhere.
 */
export function isStuck(pod: Pod, limits: StartLimits, now: number): boolean {
  return isBeingPrepared(pod) && ageMs(pod, now) >= limitMs(limits);
}

/** When the first of these pods is stuck ({@link isStuck}), in ms from now; undefined where none will be. */
export function untilStuckMs(pods: readonly Pod[], limits: StartLimits, now: number): number | undefined {
  const left = pods.filter(isBeingPrepared).map((pod) => limitMs(limits) - ageMs(pod, now));
  return earliest(...left.filter((ms) => ms > 0));
}

function limitMs({ startup }: StartLimits): number {
  return startup[FAILURE_RULES.unprepared.limit] * 1000;
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
export interface MountFailure {
  /** UID of the pod. */
  uid: string;
  message: string;
}

/**
 * Why the volumes of the first pod that is long in preparation are not mounted; what one pod cannot mount, its siblings
 * cannot either.
 * @param key of the object that the pods are made for.
 */
export function mountFailure(
  pods: readonly Pod[],
  key: string,
  lookup: Pick<EventLookup, 'of' | 'forget'>,
  now: number,
): MountFailure | undefined {
  const slow = pods.find((pod) => isBeingPrepared(pod) && ageMs(pod, now) >= PREPARING_MS);
  if (!slow) {
    lookup.forget(key);
    return undefined;
  }
  const { uid = '' } = slow.metadata;
  const message = lookup.of(key, uid)?.message;
  return message ? { uid, message } : undefined;
}
