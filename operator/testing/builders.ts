import type { ConfigMap } from '../kube/core.ts';
import type { ObjectMeta } from '../kube/types.ts';

// Small objects for tests, in the namespace `ns`.

/** Metadata as a stored object has it. */
export function metadata(name: string, extra: Partial<ObjectMeta> = {}): ObjectMeta {
  return { namespace: 'ns', name, ...extra };
}

/** A ConfigMap with one value. */
export function configMap(name: string, value: string, labels?: Record<string, string>): ConfigMap {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: metadata(name, labels && { labels }),
    data: { value },
  };
}
