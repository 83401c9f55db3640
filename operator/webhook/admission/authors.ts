import type { AuthorKeys } from '../../apis/kind.ts';
import { deepEqual } from '../../kube/json.ts';
import type { KubeObject } from '../../kube/types.ts';

type WithSpec = KubeObject & { spec?: unknown };

/**
 * The object with annotations that name its creator and last modifier (Cloud Run API v1, annotations). Only the platform
 * sets them: values that a client sends, for example from an export, are replaced.
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
