import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { tls } from '../../builtins.ts';
import type { Secret } from '../../kube/core.ts';
import type { CertificateEntry } from '../shared/messages.ts';

/** A certificate and key that belong together, from a Secret. */
export interface CompiledCertificate extends CertificateEntry {
  /** Older Secrets keep a host that a newer one names too. */
  createdAt: string;
  /** In ms since 1970. */
  expiresAt: number;
}

/** What a Secret holds cannot be served; the message says why. */
export class CertificateError extends Error {
  readonly code = 'CERTIFICATE_INVALID';
}

/** A DNS name, or a wildcard for one label (RFC 9525, 6.3). */
const NAME = /^(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/;

/**
 * The certificate in a Secret, with all host names that it names (Kubernetes, TLS Secrets: `tls.crt` and `tls.key`, PEM).
 * @throws {CertificateError} when it cannot be served.
 */
export function compileCertificate({ metadata, data = {} }: Secret): CompiledCertificate {
  const certificate = text(data['tls.crt']);
  const key = text(data['tls.key']);
  const parsed = parse('tls.crt is not a certificate in PEM', () => new X509Certificate(certificate));
  const parsedKey = parse('tls.key is not a private key in PEM', () => createPrivateKey(key));
  if (!isPair(parsed, parsedKey)) {
    throw new CertificateError('tls.key does not belong to the certificate in tls.crt');
  }
  // What follows the certificate is read here only.
  parse('tls.crt cannot be used for TLS', () => tls().createSecureContext({ cert: certificate, key }));
  const names = namesOf(parsed);
  if (names.length === 0) {
    throw new CertificateError('the certificate has no host name (subject alternative name)');
  }
  const expiresAt = parsed.validToDate.getTime();
  return { certificate, key, names, createdAt: metadata.creationTimestamp ?? '', expiresAt };
}

function text(base64: string | undefined): string {
  return Buffer.from(base64 ?? '', 'base64').toString();
}

function parse<T>(message: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new CertificateError(message, { cause });
  }
}

function isPair(certificate: X509Certificate, key: KeyObject): boolean {
  try {
    return certificate.checkPrivateKey(key);
  } catch {
    // A key of a kind that no certificate has.
    return false;
  }
}

/** A name with a comma or a quote comes in quotes, and is no host name. */
function namesOf({ subjectAltName = '' }: X509Certificate): string[] {
  const names = subjectAltName
    .split(', ')
    .filter((name) => name.startsWith('DNS:'))
    .map((name) => name.slice('DNS:'.length).toLowerCase());
  return [...new Set(names)].filter((name) => name.length <= 253 && NAME.test(name));
}

/** What a Secret's certificate is served for. */
export interface Share {
  names: string[];
  /** Names that another Secret serves, by name. */
  lost: Map<string, string>;
}

/**
 * Which Secret serves each name that several of them have: one whose certificate has not expired before one that has,
 * then the oldest, then the first by name.
 * @param certificates by `namespace/name` of their Secrets.
 * @param now in ms since 1970.
 */
export function shareNames(
  certificates: ReadonlyMap<string, CompiledCertificate>,
  now: number,
): Map<string, Share> {
  const rank = ([secret, { createdAt, expiresAt }]: [string, CompiledCertificate]): string =>
    `${expiresAt > now ? 0 : 1} ${createdAt} ${secret}`;
  const ranked = [...certificates].map((entry) => ({ entry, rank: rank(entry) }));
  ranked.sort((a, b) => (a.rank < b.rank ? -1 : 1));
  const owners = new Map<string, string>();
  const shares = new Map<string, Share>();
  for (const {
    entry: [secret, { names }],
  } of ranked) {
    const share: Share = { names: [], lost: new Map() };
    for (const name of names) {
      const owner = owners.get(name);
      if (owner !== undefined) {
        share.lost.set(name, owner);
        continue;
      }
      owners.set(name, secret);
      share.names.push(name);
    }
    shares.set(secret, share);
  }
  return shares;
}
