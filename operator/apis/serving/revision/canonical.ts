import { canonicalQuantity, isQuantity } from '../../quantity.ts';
import type { RevisionTemplate } from './types.ts';

type Quantities = Record<string, string | number>;

/**
 * The template with quantities in the API server's canonical form. Clients built on its types rewrite what they read
 * (`1000m` as `1`), so two templates are equivalent when their canonical forms are equal.
 */
export function canonicalTemplate(template: RevisionTemplate): RevisionTemplate {
  return { ...template, spec: canonicalSpec(template.spec) };
}

/** The canonical form of the spec of an instance or a task. */
export function canonicalSpec<S extends Pick<RevisionTemplate['spec'], 'containers' | 'volumes'>>(
  spec: S,
): S {
  const { containers, volumes } = spec;
  return {
    ...spec,
    containers: containers.map((container) => {
      const { limits, requests, ...others } = container.resources ?? {};
      const resources = { ...others, ...quantities({ limits, requests }) };
      return container.resources ? { ...container, resources } : container;
    }),
    ...(volumes ? { volumes: volumes.map(canonicalVolume) } : {}),
  };
}

function canonicalVolume<T extends { emptyDir?: { sizeLimit?: string | number } }>(volume: T): T {
  const { sizeLimit } = volume.emptyDir ?? {};
  if (sizeLimit === undefined) return volume;
  return { ...volume, emptyDir: { ...volume.emptyDir, sizeLimit: canonical(sizeLimit) } };
}

function quantities(maps: Record<string, Quantities | undefined>): Record<string, Quantities> {
  const declared = Object.entries(maps).flatMap(([name, map]) => (map ? [[name, map] as const] : []));
  return Object.fromEntries(
    declared.map(([name, map]) => [
      name,
      Object.fromEntries(Object.entries(map).map(([key, value]) => [key, canonical(value)])),
    ]),
  );
}

function canonical(quantity: string | number): string | number {
  return isQuantity(quantity) ? canonicalQuantity(quantity) : quantity;
}
