import { SECRETS, type Secret } from '../../kube/core.ts';
import type { ObjectRef } from '../../kube/types.ts';
import type { Credentials } from './rotation.ts';

/** The Secret that all replicas share. */
export const SECRET_NAME = 'homerun-webhook-cert';

/** Field of {@link Credentials} -> key of the Secret; the last two as in a Secret of type kubernetes.io/tls. */
const KEYS: Readonly<Record<keyof Credentials, string>> = {
  authorities: 'ca.crt',
  authorityKey: 'ca.key',
  certificate: 'tls.crt',
  key: 'tls.key',
};
const FIELDS = Object.entries(KEYS) as [keyof Credentials, string][];

/** The credentials in a Secret; missing or invalid values are empty. */
export function credentialsOf(secret: Secret | undefined): Credentials | undefined {
  if (!secret) return undefined;
  const read = (key: string) => Buffer.from(secret.data?.[key] ?? '', 'base64').toString();
  return Object.fromEntries(FIELDS.map(([field, key]) => [field, read(key)])) as unknown as Credentials;
}

/** The Secret with these credentials, and with the other fields and the resource version of `old`. */
export function secretOf(ref: Required<ObjectRef>, credentials: Credentials, old?: Secret): Secret {
  const data = FIELDS.map(([field, key]) => [key, Buffer.from(credentials[field]).toString('base64')]);
  return {
    apiVersion: SECRETS.apiVersion,
    kind: SECRETS.kind,
    metadata: old?.metadata ?? { ...ref, labels: { 'app.kubernetes.io/name': 'homerun' } },
    type: old?.type ?? 'Opaque',
    data: { ...old?.data, ...Object.fromEntries(data) },
  };
}
