import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';

const DAY_MS = 86_400_000;
/** Certificates are renewed after two thirds of their life. */
export const AUTHORITY_LIFE_MS = 720 * DAY_MS;
export const CERTIFICATE_LIFE_MS = 90 * DAY_MS;
/** The API server's clock may be behind ours. */
export const BACKDATED_MS = 3_600_000;

/** A certificate and its private key, both as PEM. */
export interface KeyPair {
  certificate: string;
  key: string;
}

/** What the Secret holds, as PEM; any of it may be missing or garbage. */
export interface Credentials {
  /** Certificates of the authorities that are trusted, the newest first. */
  authorities: string;
  /** Private key of the newest authority. */
  authorityKey: string;
  certificate: string;
  key: string;
}

/**
 * What to do about the certificates:
 * - `keep`: nothing
 * - `create`: a new authority and a certificate of it, at once, because nothing can be served
 * - `add-authority`: a new authority beside the present one, which goes on signing what is served
 * - `issue`: a new certificate of the newest authority
 * - `prune`: take out of the bundle what has expired
 */
export type Step = 'keep' | 'create' | 'add-authority' | 'issue' | 'prune';

export interface Situation {
  credentials: Credentials | undefined;
  /** Names that the certificate must be for. */
  names: readonly string[];
  /** Whether every webhook's caBundle holds the newest authority. */
  published: boolean;
  now: number;
}

/** How long API servers have for learning of a new authority before it signs what is served. */
export const SETTLE_MS = 10 * 60_000;

/**
 * One step towards certificates that are good for a long time. A certificate that is served is trusted by what API
 * servers know already: an authority is published first and signs later, and the old one stays in the bundle until it
 * expires. Pure.
 */
export function decide({ credentials, names, published, now }: Situation): Step {
  if (!credentials) return 'create';
  const blocks = pemBlocks(credentials.authorities);
  const authorities = blocks.flatMap((block) => parsed(block) ?? []).filter((each) => isValid(each, now));
  const [newest] = authorities;
  const served = soundCertificate(credentials, authorities, names, now);
  if (!newest || !fits(newest, credentials.authorityKey)) return served ? 'add-authority' : 'create';
  if (!served) return 'issue';
  if (isDue(newest, now)) return 'add-authority';
  const settled = published && now - newest.validFromDate.getTime() - BACKDATED_MS >= SETTLE_MS;
  if (settled && (isDue(served, now) || !served.verify(newest.publicKey))) return 'issue';
  return authorities.length < blocks.length ? 'prune' : 'keep';
}

/** The certificate if it can be served now: valid, for all names, with its key, signed by one of the authorities. */
function soundCertificate(
  { certificate, key }: Credentials,
  authorities: readonly X509Certificate[],
  names: readonly string[],
  now: number,
): X509Certificate | undefined {
  const found = parsed(certificate);
  if (!found || !isValid(found, now) || !fits(found, key)) return undefined;
  if (!names.every((name) => (isIP(name) ? found.checkIP(name) : found.checkHost(name)))) return undefined;
  return authorities.some(({ publicKey }) => found.verify(publicKey)) ? found : undefined;
}

/** Whether a server with this certificate is trusted by a client that knows the bundle (both PEM). */
export function trusts(bundle: string, certificate: string): boolean {
  const found = parsed(certificate);
  if (!found) return false;
  return pemBlocks(bundle).some((block) => {
    const authority = parsed(block);
    return authority !== undefined && found.verify(authority.publicKey);
  });
}

/** The certificates of a bundle that are valid now, the newest first. */
export function validBundle(bundle: string, now: number): string {
  const valid = pemBlocks(bundle).filter((block) => {
    const certificate = parsed(block);
    return certificate !== undefined && isValid(certificate, now);
  });
  return valid.join('');
}

/** The newest authority of a bundle. */
export function newestOf(bundle: string): string | undefined {
  return pemBlocks(bundle)[0];
}

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

function pemBlocks(text: string): string[] {
  return (text.match(BLOCK) ?? []).map((block) => `${block}\n`);
}

function parsed(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

function isValid({ validFromDate, validToDate }: X509Certificate, now: number): boolean {
  return validFromDate.getTime() <= now && now < validToDate.getTime();
}

/** Renewed with a third of its life to go. */
function isDue({ validFromDate, validToDate }: X509Certificate, now: number): boolean {
  const [from, to] = [validFromDate.getTime(), validToDate.getTime()];
  return to - now < (to - from) / 3;
}

function fits(certificate: X509Certificate, key: string): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}
