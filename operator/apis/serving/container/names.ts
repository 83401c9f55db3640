import { childName, letters } from '../../names.ts';
import type { TemplateContainer } from './types.ts';

/**
 * Name of a container in its pod. Cloud Run allows dots in names, and Kubernetes does not; a hash suffix keeps `app.v2`
 * and `app-v2` distinct.
 */
export function podContainerName(name: string): string {
  return name.includes('.') ? childName(name.replaceAll('.', '-'), `-${letters(name, 5)}`) : name;
}

/** The container that has this name in its pod. */
export function containerInPod<C extends { name: string }>(
  containers: readonly C[],
  podName: string,
): C | undefined {
  return containers.find(({ name }) => podContainerName(name) === podName);
}

/** Name of an only container without one (Knative API, Container: name). */
export const SOLE_CONTAINER = 'user-container';

/**
 * Names of all containers. Unnamed ones among several become NAME-1, NAME-2 and so on, as on Cloud Run, skipping names in
 * use.
 */
export function containerNames(containers: readonly TemplateContainer[], base: string): string[] {
  if (containers.length === 1) return [containers[0]?.name || SOLE_CONTAINER];
  const taken = new Set(containers.map(({ name }) => name));
  let next = 1;
  return containers.map(({ name }) => {
    if (name) return name;
    let made = childName(base, `-${next++}`);
    while (taken.has(made)) made = childName(base, `-${next++}`);
    return made;
  });
}
