import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';

const DAY_MS = 86_400_000;
/** Certificates are renewed after two thirds of their lifetime. */
export const AUTHORITY_LIFE_MS = 720 * DAY_MS;
export const CERTIFICATE_LIFE_MS = 90 * DAY_MS;
/** The API server's clock may be behind ours. */
export const BACKDATED_MS = 3_600_000;

/** A certificate and its private key, both as PEM. */
export interface KeyPair {
  certificate: string;
  key: string;
}

/** The contents of the Secret, as PEM; any of them may be missing or invalid. */
export interface Credentials {
  /** Certificates of the trusted authorities, newest first. */
  authorities: string;
  /** Private key of the newest authority. */
  authorityKey: string;
  certificate: string;
  key: string;
}

/**
 * The next step of the rotation:
 * - `keep`: nothing to do
 * - `create`: create an authority and a certificate at once, because none can be served
 * - `add-authority`: add a new authority; the current one still signs the served certificate
 * - `issue`: issue a certificate of the newest authority
 * - `prune`: remove expired authorities from the bundle
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

/** How long API servers have to read a new authority before it signs the served certificate. */
export const PROPAGATION_MS = 10 * 60_000;

/**
 * Decides the next step of the rotation. API servers always trust the served certificate: a new authority is published
 * before it signs, and the old one stays in the bundle until it expires. Pure.
 */
export function decide({ credentials, names, published, now }: Situation): Step {
  if (!credentials) return 'create';
  const blocks = pemBlocks(credentials.authorities);
  const authorities = blocks.flatMap((block) => parsed(block) ?? []).filter((each) => isValid(each, now));
  const [newest] = authorities;
  const served = usableCertificate(credentials, authorities, names, now);
  if (!newest || !fits(newest, credentials.authorityKey)) return served ? 'add-authority' : 'create';
  if (!served) return 'issue';
  if (isDue(newest, now)) return 'add-authority';
  const isPropagated = published && now - newest.validFromDate.getTime() - BACKDATED_MS >= PROPAGATION_MS;
  if (isPropagated && (isDue(served, now) || !served.verify(newest.publicKey))) return 'issue';
  return authorities.length < blocks.length ? 'prune' : 'keep';
}

/** The certificate if it can be served: valid, for all names, with its key, signed by one of the authorities. */
function usableCertificate(
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

/** Whether a client with this bundle trusts the certificate (both PEM). */
export function trusts(bundle: string, certificate: string): boolean {
  const found = parsed(certificate);
  if (!found) return false;
  return pemBlocks(bundle).some((block) => {
    const authority = parsed(block);
    return authority !== undefined && found.verify(authority.publicKey);
  });
}

/** The certificates of a bundle that are valid at `now`, newest first. */
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

/** Whether less than a third of its lifetime is left. */
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
