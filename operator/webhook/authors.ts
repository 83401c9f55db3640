import { SERVING } from '../apis/annotations.ts';
import { deepEqual } from '../kube/json.ts';
import type { KubeObject } from '../kube/types.ts';

type WithSpec = KubeObject & { spec?: unknown };

/**
 * The object with annotations that say who made it and who changed its spec last (Cloud Run API v1, annotations of a
 * Service). Only the platform writes them: whatever a client sends there, as part of an export for instance, is
 * replaced by what is true.
 */
export function signed(object: WithSpec, previous: WithSpec | undefined, user: string): WithSpec {
  const old = previous?.metadata.annotations ?? {};
  const unchanged = previous !== undefined && deepEqual(object.spec, previous.spec);
  const creator = previous ? old[SERVING.creator] : user;
  const lastModifier = unchanged ? old[SERVING.lastModifier] : user;
  const { [SERVING.creator]: _, [SERVING.lastModifier]: __, ...others } = object.metadata.annotations ?? {};
  const annotations = {
    ...others,
    ...(creator === undefined ? {} : { [SERVING.creator]: creator }),
    ...(lastModifier === undefined ? {} : { [SERVING.lastModifier]: lastModifier }),
  };
  if (object.metadata.annotations === undefined && Object.keys(annotations).length === 0) return object;
  return { ...object, metadata: { ...object.metadata, annotations } };
}
