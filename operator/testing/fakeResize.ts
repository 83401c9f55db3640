import { mergePatch } from './fakeHttp.ts';
import type { Stored } from './fakeRules.ts';

type Containers = Partial<
  Record<'containers' | 'initContainers', readonly { name: string; resources?: unknown }[]>
>;

/** A pod with the resources that a patch of its subresource resize names, by container (Kubernetes API, pods/resize). */
export function resized(pod: Stored, patch: unknown): Stored {
  const before = (pod.spec ?? {}) as Containers;
  const { spec: given = {} } = patch as { spec?: Containers };
  const spec: Containers = { ...before };
  for (const list of ['containers', 'initContainers'] as const) {
    const containers = before[list];
    if (!containers) continue;
    spec[list] = containers.map((container) => {
      const named = given[list]?.find(({ name }) => name === container.name);
      return named
        ? { ...container, resources: mergePatch(container.resources, named.resources) }
        : container;
    });
  }
  return { ...pod, spec };
}
