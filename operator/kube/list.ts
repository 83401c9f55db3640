import type { KubeObject, ResourceType } from './types.ts';

/** A list as the API server answers it. */
export interface RawList<T> {
  items?: T[];
  metadata: { resourceVersion?: string; continue?: string };
}

/** The list with what those of built-in kinds leave out of their items, and without `managedFields`. */
export function completeList<T extends KubeObject>(list: RawList<T>, type: ResourceType<T>): RawList<T> {
  for (const item of list.items ?? []) {
    item.apiVersion = type.apiVersion;
    item.kind = type.kind;
    stripManagedFields(item);
  }
  return list;
}

/** The object itself without `metadata.managedFields`. */
export function stripManagedFields<T extends KubeObject>(object: T): T {
  const metadata: KubeObject['metadata'] & { managedFields?: unknown } = object.metadata;
  if (metadata?.managedFields === undefined) return object;
  // A copy without it, as `delete` would turn the object into a slow dictionary.
  const { managedFields: _, ...rest } = metadata;
  object.metadata = rest;
  return object;
}
