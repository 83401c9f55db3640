import { childName, letters } from '../../names.ts';
import type { TemplateContainer } from './types.ts';

/**
 * What a container is called in its pod. Cloud Run takes dots in names, and Kubernetes takes none; letters that follow
 * from the name keep `app.v2` and `app-v2` apart.
 */
export function podContainerName(name: string): string {
  return name.includes('.') ? childName(name.replaceAll('.', '-'), `-${letters(name, 5)}`) : name;
}

/** What a container is called that is alone and has no name (Knative API, Container: name). */
const SOLE_CONTAINER = 'user-container';

/**
 * Names for containers without one. Among several they are NAME-1, NAME-2 and so on, as Cloud Run calls them; names in
 * use are left out.
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
