import { SECRETS, type Secret } from '../../kube/core.ts';
import type { ObjectRef } from '../../kube/types.ts';

/** The Secret with the key of the affinity cookies, in the operator's namespace: the controller makes it, gateways read it. */
export const AFFINITY_SECRET = 'homerun-gateway-affinity';
/** Length of a key in bytes, that of SHA-256; one that a person has set may be longer. */
export const AFFINITY_KEY_BYTES = 32;

const FIELD = 'key';

/** The key in a Secret; undefined when there is none or it is too short. */
export function affinityKeyOf(secret: Secret | undefined): Buffer | undefined {
  const key = Buffer.from(secret?.data?.[FIELD] ?? '', 'base64');
  return key.length >= AFFINITY_KEY_BYTES ? key : undefined;
}

/** The Secret with this key, and with the other fields and the resource version of `old`. */
export function affinitySecret(ref: Required<ObjectRef>, key: Uint8Array, old?: Secret): Secret {
  return {
    apiVersion: SECRETS.apiVersion,
    kind: SECRETS.kind,
    metadata: old?.metadata ?? { ...ref, labels: { 'app.kubernetes.io/name': 'homerun' } },
    type: old?.type ?? 'Opaque',
    data: { ...old?.data, [FIELD]: Buffer.from(key).toString('base64') },
  };
}
