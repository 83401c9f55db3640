import type { KubeClient } from '../../kube/client.ts';
import { EVENTS, type Pod } from '../../kube/core.ts';

/** What the kubelet calls a volume that it cannot mount. */
export const FAILED_MOUNT = 'FailedMount';

/** What does not come by waiting for a network or a driver: somebody has to make it. */
const MISSING = /(secret|configmap) "[^"]+" not found|references non-existent (secret|config) key/;

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

/** Whether a mount fails for want of something that somebody has to make, and not of a network or a driver. */
export function lacksSomething(message: string): boolean {
  return MISSING.test(message);
}

/**
 * The pods, the first that is long in preparation with what the kubelet's Events say of its volumes: its containers
 * then wait for that. What one pod cannot mount, its siblings cannot either.
 */
export async function withMountTrouble(
  pods: readonly Pod[],
  client: Pick<KubeClient, 'list'>,
  now: number,
): Promise<Pod[]> {
  const slow = pods.find((pod) => isBeingPrepared(pod) && ageMs(pod, now) >= PREPARING_MS);
  const said = slow && (await mountFailure(slow, client));
  return pods.map((pod) => (said && pod === slow ? waitingFor(pod, said) : pod));
}

/** The last thing that the kubelet said of the volumes of a pod. */
async function mountFailure(
  { metadata }: Pod,
  client: Pick<KubeClient, 'list'>,
): Promise<string | undefined> {
  const { namespace, uid } = metadata;
  const fieldSelector = `involvedObject.uid=${uid},reason=${FAILED_MOUNT}`;
  const { items } = await client.list(EVENTS, { namespace, fieldSelector });
  const [last] = items.toSorted(
    (a, b) => Date.parse(b.lastTimestamp ?? '') - Date.parse(a.lastTimestamp ?? ''),
  );
  return last?.message;
}

type Statuses = NonNullable<Pod['status']>['containerStatuses'];

function waitingFor(pod: Pod, message: string): Pod {
  const waiting = (statuses: Statuses) =>
    statuses?.map((status) => ({ ...status, state: { waiting: { reason: FAILED_MOUNT, message } } }));
  const { containerStatuses, initContainerStatuses } = pod.status ?? {};
  return {
    ...pod,
    status: {
      ...pod.status,
      containerStatuses: waiting(containerStatuses),
      initContainerStatuses: waiting(initContainerStatuses),
    },
  } as Pod;
}

function ageMs({ metadata, status }: Pod, now: number): number {
  return now - Date.parse(status?.startTime ?? metadata.creationTimestamp ?? '');
}
