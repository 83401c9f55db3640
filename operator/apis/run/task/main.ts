import { parseDependencies, RUN } from '../../annotations.ts';
import type { TemplateContainer } from '../../serving/container/types.ts';

/**
 * The containers of a task that nobody waits for, by annotation container-dependencies. A task ends with its main
 * container, and its sidecars end with it (container contract, jobs), so there must be exactly one.
 */
export function mainContainers<C extends TemplateContainer>(
  containers: readonly C[],
  annotations: Record<string, string> | undefined,
): C[] {
  if (containers.length === 1) return [...containers];
  const order = parseDependencies(annotations?.[RUN.containerDependencies] ?? '{}') ?? new Map();
  const awaited = new Set([...order.values()].flat());
  return containers.filter(({ name }) => !name || !awaited.has(name));
}
