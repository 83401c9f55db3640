import { RUN } from '../../annotations/run.ts';
import { parseDependencies } from '../../annotations/values.ts';
import { type FieldError, formatted, keyed } from '../../fieldError.ts';
import { MAX_CONTAINERS } from './schema.ts';
import type { TemplateContainer } from './types.ts';

/**
 * Validates the start order of containers: annotation container-dependencies must name existing containers and have no
 * cycle. A value that does not parse is an error of the annotation, reported elsewhere.
 */
export function validateDependencies(
  annotations: Record<string, string> | undefined,
  containers: readonly TemplateContainer[],
  path: string,
): FieldError[] {
  const order = orderOf(annotations);
  if (!order) return [];
  const value = annotations?.[RUN.containerDependencies];
  const names = new Set(containers.map(({ name }) => name));
  const mentioned = new Set([...order.keys(), ...[...order.values()].flat()]);
  const where = keyed(path, RUN.containerDependencies);
  const unknown = [...mentioned]
    .filter((name) => !names.has(name))
    .map((name) => ({ path: where, value, message: `names ${formatted(name)}; there is no such container` }));
  if (unknown.length > 0 || names.size > MAX_CONTAINERS) return unknown;
  const cycle = cycleOf(order);
  return cycle ? [{ path: where, value, message: `has a cycle: ${cycle.join(' -> ')}` }] : [];
}

/** Container -> its dependencies; undefined when the annotation is unset or unreadable. */
function orderOf(annotations: Record<string, string> | undefined) {
  const value = annotations?.[RUN.containerDependencies];
  return value === undefined ? undefined : parseDependencies(value);
}

/**
 * A container that others depend on must have a startup probe (Cloud Run: "Dependent container must have startup probe
 * specified"); the one with a port gets one by default.
 */
export function validateAwaited(
  annotations: Record<string, string> | undefined,
  containers: readonly TemplateContainer[],
  path: string,
): FieldError[] {
  const awaited = new Set([...(orderOf(annotations)?.values() ?? [])].flat());
  return containers
    .filter(({ name, ports, startupProbe }) => awaited.has(name ?? '') && !startupProbe && !ports?.length)
    .map(({ name }) => ({
      path: keyed(path, RUN.containerDependencies),
      value: annotations?.[RUN.containerDependencies],
      message: `makes containers depend on ${formatted(name)}, which has no startup probe; a container that others depend on must have a startup probe`,
      strict: true,
    }));
}

/** A cycle of dependencies, or undefined. */
function cycleOf(order: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>();
  const walk = (name: string, trail: readonly string[]): string[] | undefined => {
    const start = trail.indexOf(name);
    if (start >= 0) return [...trail.slice(start), name];
    if (done.has(name)) return undefined;
    for (const next of order.get(name) ?? []) {
      const cycle = walk(next, [...trail, name]);
      if (cycle) return cycle;
    }
    done.add(name);
    return undefined;
  };
  for (const name of order.keys()) {
    const cycle = walk(name, []);
    if (cycle) return cycle;
  }
  return undefined;
}
