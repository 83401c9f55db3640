import { createHash } from 'node:crypto';
import { PODS, SERVICE_ACCOUNTS } from '../kube/core.ts';
import { keyOf } from '../kube/types.ts';
import { Rejection } from './fakeRules.ts';
import type { FakeStorage } from './fakeStorage.ts';

/** What a TokenRequest asks for. */
export interface TokenRequest {
  spec: { audiences: string[]; expirationSeconds?: number; boundObjectRef?: { name: string; uid: string } };
}

/** Tokens so far; each is another one. */
let serial = 0;

/**
 * What the real server answers to a TokenRequest for a service account: its checks of the bound pod, and a token
 * with the same claims, whose signature is worth nothing.
 */
export function grantToken(
  storage: FakeStorage,
  namespace: string,
  name: string,
  request: TokenRequest,
): unknown {
  const account = storage.get(SERVICE_ACCOUNTS, keyOf({ namespace, name }));
  const { audiences, expirationSeconds = 3600, boundObjectRef } = request.spec;
  if (boundObjectRef) {
    const pod = storage.get(PODS, keyOf({ namespace, name: boundObjectRef.name }));
    const { serviceAccountName = 'default' } = (pod.spec ?? {}) as { serviceAccountName?: string };
    if (serviceAccountName !== name)
      throw new Rejection(
        400,
        'BadRequest',
        `cannot bind token for serviceaccount ${name} to pod of ${serviceAccountName}`,
      );
    if (pod.metadata.uid !== boundObjectRef.uid)
      throw new Rejection(409, 'Conflict', `the UID in the bound object reference does not match the pod's`);
  }
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    aud: audiences,
    exp: now + expirationSeconds,
    iat: now,
    jti: String(serial++),
    sub: `system:serviceaccount:${namespace}:${name}`,
    'kubernetes.io': { namespace, pod: boundObjectRef, serviceaccount: { name, uid: account.metadata.uid } },
  };
  const body = [{ alg: 'none' }, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  );
  const signature = createHash('sha256').update(body.join('.')).digest('base64url');
  return {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: request.spec,
    status: {
      token: [...body, signature].join('.'),
      expirationTimestamp: new Date(claims.exp * 1000).toISOString(),
    },
  };
}
