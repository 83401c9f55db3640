import type { Container } from '../../apis/serving/container/types.ts';

/** Container -> the containers that must have started before it (annotation container-dependencies). */
export type Dependencies = ReadonlyMap<string, readonly string[]>;

export interface StartOrder {
  /** Those that others wait for, each after all that it waits for itself. */
  first: Container[];
  /** Those that no other waits for; they start together, at the end. */
  last: Container[];
}

/**
 * The same for a task, which ends with its main container: the first that no other waits for. The others that none
 * waits for become sidecars too, because Kubernetes ends a pod only when all containers but those have ended.
 */
export function taskOrder(containers: readonly Container[], dependencies: Dependencies): StartOrder {
  const { first, last } = startOrder(containers, dependencies);
  return { first: [...first, ...last.slice(1)], last: last.slice(0, 1) };
}

/**
 * In which order containers start. Kubernetes starts a pod's containers together, but its native sidecars one after the
 * other, each when the one before has passed its startup probe; so what others wait for becomes a sidecar.
 * Cycles and unknown names are rejected at admission; here they only must not hang.
 */
export function startOrder(containers: readonly Container[], dependencies: Dependencies): StartOrder {
  const byName = new Map(containers.map((container) => [container.name, container]));
  const awaited = new Set([...dependencies.values()].flat());
  const first: Container[] = [];
  const visited = new Set<string>();
  const visit = (name: string): void => {
    if (visited.has(name)) return;
    visited.add(name);
    for (const earlier of dependencies.get(name) ?? []) visit(earlier);
    const container = byName.get(name);
    if (container && awaited.has(name)) first.push(container);
  };
  for (const { name } of containers) visit(name);
  const last = containers.filter((container) => !first.includes(container));
  // A pod needs one container that is no sidecar; only a cycle leaves none.
  return last.length > 0 ? { first, last } : { first: [], last: [...containers] };
}
