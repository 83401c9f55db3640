import type { KeyObject } from 'node:crypto';
import type { IdentityClaims } from '../apis/iam/membership.ts';
import { crypto } from '../builtins.ts';
import type { IssuerEntry, PublicKey } from './issuer.ts';

/** Longer ones are not looked at: those of the cluster have about 1 kB, those with many groups some more. */
export const MAX_TOKEN_CHARS = 16 * 1024;
/** How far the clocks of an issuer and of this process may be apart. */
export const CLOCK_SKEW_MS = 60_000;
/** What takes the place of the signature in what a container sees (Cloud Run, Troubleshooting: signature of the JWT). */
const REMOVED = 'SIGNATURE_REMOVED_BY_GOOGLE';
/** JWS Compact Serialization (RFC 7515, 7.1). */
const FORM = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/;
/** Length of an ES256 signature (RFC 7518, 3.4). */
const ES256_BYTES = 64;
const MIN_RSA_BITS = 2048;

type ParseJson = (bytes: Buffer) => unknown;

/** Of a name that comes twice, the last counts (RFC 7519, 4). */
const parseLast: ParseJson = (bytes) => JSON.parse(bytes.toString());

/** A token as it was read; nothing of it has been verified. */
export interface IdentityToken {
  algorithm: unknown;
  kid: unknown;
  claims: IdentityClaims & { aud?: unknown; exp?: unknown; nbf?: unknown; iat?: unknown };
  /** What the signature is of. */
  signed: string;
  signature: string;
}

/** A key, with the only algorithm that it may be used for: that a token names is not trusted (RFC 8725, 3.1). */
export interface VerificationKey {
  algorithm: 'RS256' | 'ES256';
  key: KeyObject;
}

/**
 * Reads a token; undefined for one that has not the form of a signed JSON Web Token.
 * @param parse what reads its JSON, and throws where that is none.
 */
export function readToken(text: string, parse: ParseJson = parseLast): IdentityToken | undefined {
  if (text.length > MAX_TOKEN_CHARS) return undefined;
  const [, head, body, signature] = FORM.exec(text) ?? [];
  const header = decode(head, parse);
  const claims = decode(body, parse);
  // `crit` names extensions that must be understood (RFC 7515, 4.1.11); none are.
  if (!header || !claims || signature === undefined || 'crit' in header) return undefined;
  return { algorithm: header.alg, kid: header.kid, claims, signed: `${head}.${body}`, signature };
}

/** The token as the container gets it. */
export function withoutSignature({ signed }: IdentityToken): string {
  return `${signed}.${REMOVED}`;
}

/** When a token expires by this process's clock, in ms; undefined for one that has, is not valid yet, or never expires. */
export function expiryOf({ claims: { exp, nbf, iat } }: IdentityToken, now: number): number | undefined {
  if (typeof exp !== 'number' || !Number.isFinite(exp)) return undefined;
  for (const from of [nbf, iat]) {
    if (from === undefined) continue;
    if (typeof from !== 'number' || from * 1000 > now + CLOCK_SKEW_MS) return undefined;
  }
  const expiresAt = exp * 1000 + CLOCK_SKEW_MS;
  return expiresAt > now ? expiresAt : undefined;
}

/** The audiences of a token: one, or a list. */
export function audiencesOf({ claims: { aud } }: IdentityToken): string[] {
  return (Array.isArray(aud) ? aud : [aud]).filter((each) => typeof each === 'string');
}

/** Whether a key has made the signature. */
export function isSigned({ signed, signature, algorithm }: IdentityToken, by: VerificationKey): boolean {
  if (algorithm !== by.algorithm) return false;
  const bytes = Buffer.from(signature, 'base64url');
  if (by.algorithm === 'ES256' && bytes.length !== ES256_BYTES) return false;
  const key = { key: by.key, dsaEncoding: 'ieee-p1363' } as const;
  return crypto().verify('sha256', Buffer.from(signed), key, bytes);
}

/** The keys of an issuer by `kid`; undefined until it has any. A key that cannot be used is left out. */
export function keysOf({ keys }: IssuerEntry): Map<string, VerificationKey> | undefined {
  return keys && new Map(keys.map(keyOf).filter((each) => each !== undefined));
}

function keyOf({ kid, ...jwk }: PublicKey): [string, VerificationKey] | undefined {
  try {
    const key = crypto().createPublicKey({ key: jwk, format: 'jwk' });
    if (jwk.kty === 'EC') return [kid, { algorithm: 'ES256', key }];
    const { modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
    return modulusLength >= MIN_RSA_BITS ? [kid, { algorithm: 'RS256', key }] : undefined;
  } catch {
    // Only its form has been checked.
    return undefined;
  }
}

function decode(part: string | undefined, parse: ParseJson): Record<string, unknown> | undefined {
  if (part === undefined) return undefined;
  try {
    const value = parse(Buffer.from(part, 'base64url'));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
