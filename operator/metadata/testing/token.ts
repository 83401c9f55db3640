import assert from 'node:assert/strict';
import { createPublicKey, type JsonWebKey, verify } from 'node:crypto';

/** What a cluster's token says of a pod. */
export interface Claims {
  iss: string;
  aud: string[];
  sub: string;
  exp: number;
  'kubernetes.io': { pod: { name: string; uid: string } };
}

/** What a token says, not verified. */
export function claimsOf(token: string): Claims {
  return decode(token.split('.')[1]) as Claims;
}

/**
 * What a token says, after one of the published keys has proven its signature, as its recipient would do
 * (JSON Web Key Set; ES256 and RS256 are what clusters use).
 */
export function verifiedClaims(token: string, keys: readonly JsonWebKey[]): Claims {
  const [head, body, signature = ''] = token.split('.');
  const { kid, alg } = decode(head) as { kid: string; alg: string };
  assert.ok(alg === 'ES256' || alg === 'RS256', alg);
  const jwk = keys.find((key) => key.kid === kid);
  assert.ok(jwk, `key ${kid} is published`);
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  const options = { key, dsaEncoding: 'ieee-p1363' } as const;
  const proven = verify(
    'sha256',
    Buffer.from(`${head}.${body}`),
    options,
    Buffer.from(signature, 'base64url'),
  );
  assert.ok(proven, 'the signature is that of the published key');
  return claimsOf(token);
}

function decode(part = ''): unknown {
  return JSON.parse(Buffer.from(part, 'base64url').toString());
}
