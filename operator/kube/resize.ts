import { type KubeClient, resourcePath } from './client.ts';
import { PODS, type Pod } from './core.ts';
import type { ObjectRef } from './types.ts';

/** CPU of a container, to be set while it runs; what it leaves out stays. */
export interface ResizedCpu {
  limits?: { cpu: string };
  requests?: { cpu: string };
}

interface Resized {
  name: string;
  resources: ResizedCpu;
}

/** A strategic merge patch of pods/resize (Kubernetes, Resize CPU and Memory Resources assigned to Containers). */
export interface Resize {
  spec: { containers?: Resized[]; initContainers?: Resized[] };
}

export type PodContainer = NonNullable<Pod['spec']>['containers'][number];

/** The patch for those containers of a pod that `cpuOf` gives something for, undefined if there are none. */
export function resizeOf(
  { spec }: Pod,
  cpuOf: (container: PodContainer) => ResizedCpu | undefined,
): Resize | undefined {
  const resized = (containers: PodContainer[] = []) =>
    containers.flatMap((container) => {
      const resources = cpuOf(container);
      return resources ? [{ name: container.name, resources }] : [];
    });
  const containers = resized(spec?.containers);
  const initContainers = resized(spec?.initContainers);
  if (containers.length + initContainers.length === 0) return undefined;
  return {
    spec: {
      ...(containers.length > 0 ? { containers } : {}),
      ...(initContainers.length > 0 ? { initContainers } : {}),
    },
  };
}

/**
 * Changes the CPU of a pod in place.
 * @throws {KubeError} KUBE_INVALID or KUBE_FORBIDDEN where the cluster's rules do not allow it.
 */
export async function resizePod(
  client: Pick<KubeClient, 'request'>,
  { metadata }: { metadata: ObjectRef },
  body: Resize,
): Promise<void> {
  const contentType = 'application/strategic-merge-patch+json';
  await client.request('PATCH', resourcePath(PODS, metadata, 'resize'), { body, contentType, verb: 'patch' });
}
