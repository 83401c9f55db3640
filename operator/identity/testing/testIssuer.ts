import { generateKeyPairSync, type JsonWebKey, type KeyObject, sign } from 'node:crypto';
import type { IssuerEntry, PublicKey } from '../issuer.ts';

/** An issuer of identity tokens with a key of its own. */
export interface TestIssuer {
  issuer: string;
  kid: string;
  algorithm: 'RS256' | 'ES256';
  privateKey: KeyObject;
  publicKey: KeyObject;
  jwk: PublicKey;
}

export function testIssuer(
  issuer: string,
  { kid = 'k1', algorithm = 'RS256', bits = 2048 }: Partial<TestIssuer> & { bits?: number } = {},
): TestIssuer {
  const pair =
    algorithm === 'RS256'
      ? generateKeyPairSync('rsa', { modulusLength: bits })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = { ...pair.publicKey.export({ format: 'jwk' }), kid } as JsonWebKey as unknown as PublicKey;
  return { issuer, kid, algorithm, ...pair, jwk };
}

/** As those that verify its tokens have it. */
export function issuerEntry({ issuer, jwk }: TestIssuer, more: Partial<IssuerEntry> = {}): IssuerEntry {
  return { issuer, isCluster: false, audiences: [], keys: [jwk], ...more };
}

/** A token that is valid for an hour from `nowMs` on, with these claims and fields of the header besides. */
export function tokenOf(
  { issuer, kid, algorithm, privateKey }: TestIssuer,
  claims: object = {},
  header: object = {},
  nowMs = Date.now(),
): string {
  const now = Math.floor(nowMs / 1000);
  const signed = [
    { alg: algorithm, kid, typ: 'JWT', ...header },
    { iss: issuer, iat: now, exp: now + 3600, ...claims },
  ]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  const key = { key: privateKey, dsaEncoding: 'ieee-p1363' } as const;
  return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
}
