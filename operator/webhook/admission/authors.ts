import type { AuthorKeys } from '../../apis/kind.ts';
import { deepEqual } from '../../kube/json.ts';
import type { KubeObject } from '../../kube/types.ts';

type WithSpec = KubeObject & { spec?: unknown };

/**
 * The object with annotations that say who made it and who changed its spec last (Cloud Run API v1, annotations). Only the platform writes them: whatever a client sends there, as part of an export for instance, is
 * replaced by what is true.
 */
export function signed(
  object: WithSpec,
  previous: WithSpec | undefined,
  user: string,
  keys: AuthorKeys,
): WithSpec {
  const old = previous?.metadata.annotations ?? {};
  const unchanged = previous !== undefined && deepEqual(object.spec, previous.spec);
  const creator = previous ? old[keys.creator] : user;
  const lastModifier = unchanged ? old[keys.lastModifier] : user;
  // Copied once: there may be thousands.
  const annotations = { ...object.metadata.annotations };
  for (const [key, value] of [
    [keys.creator, creator],
    [keys.lastModifier, lastModifier],
  ] as const) {
    if (value === undefined) delete annotations[key];
    else annotations[key] = value;
  }
  if (object.metadata.annotations === undefined && Object.keys(annotations).length === 0) return object;
  return { ...object, metadata: { ...object.metadata, annotations } };
}
