// Who the bearer of an identity token is among the subjects of a RoleBinding. The gateway's data threads use it, so it
// imports nothing.

/** A subject of a RoleBinding (Kubernetes: RBAC, Referring to subjects). */
export interface BindingSubject {
  kind: string;
  name: string;
  namespace?: string;
}

/** What an identity token may say of its bearer (OpenID Connect Core, Standard Claims); nothing of it is certain. */
export interface IdentityClaims {
  iss?: unknown;
  sub?: unknown;
  email?: unknown;
  email_verified?: unknown;
  /** The domain of a Google account. */
  hd?: unknown;
  groups?: unknown;
}

/** Principal of requests without a token too: `allUsers`. */
export const EVERYONE = 'group:system:unauthenticated';
/** Principal of every token that is valid: `allAuthenticatedUsers`. */
const AUTHENTICATED = 'group:system:authenticated';

const SERVICE_ACCOUNT = /^system:serviceaccount:([a-z0-9-]+):[a-z0-9.-]+$/;
const GOOGLE = 'https://accounts.google.com';
const ADDRESS = /^[^\s@:/]+@[^\s@:/]+$/;
/** Groups that an issuer of the configuration cannot put anyone in: those of Kubernetes, and those that follow from addresses. */
export const RESERVED_GROUP = /^(system|domain):/;

/** The principal that a subject names: `user:` or `group:` and its name in Kubernetes; undefined for any other kind. */
export function principalOf({ kind, name, namespace = '' }: BindingSubject): string | undefined {
  if (kind === 'User') return `user:${userName(name)}`;
  if (kind === 'Group') return `group:${name.startsWith('domain:') ? name.toLowerCase() : name}`;
  return kind === 'ServiceAccount' ? `user:system:serviceaccount:${namespace}:${name}` : undefined;
}

/**
 * The principals that the bearer of a valid token is.
 * @param isCluster whether the cluster itself has issued it: ServiceAccounts have tokens of no other issuer.
 */
export function principalsOf(claims: IdentityClaims, isCluster: boolean): string[] {
  return [...(isCluster ? accountOf(claims) : personOf(claims)), AUTHENTICATED];
}

/** A ServiceAccount and its groups (Kubernetes: Authenticating, Service account tokens). */
function accountOf({ sub }: IdentityClaims): string[] {
  const namespace = typeof sub === 'string' ? SERVICE_ACCOUNT.exec(sub)?.[1] : undefined;
  if (namespace === undefined) return [];
  return [`user:${sub}`, 'group:system:serviceaccounts', `group:system:serviceaccounts:${namespace}`];
}

/**
 * A person: by an address that the issuer has verified, its domain, the groups that the issuer names, or as a principal of
 * a workforce pool (`principal://`). No claim makes one a ServiceAccount or a member of a group of Kubernetes.
 */
function personOf(claims: IdentityClaims): string[] {
  const { sub, groups } = claims;
  const found: string[] = [];
  if (typeof sub === 'string' && sub.startsWith('principal://')) found.push(`user:${sub}`);
  const { address, domain } = verifiedAddress(claims) ?? {};
  if (address !== undefined) found.push(`user:${address}`);
  if (domain !== undefined) found.push(`group:domain:${domain}`);
  for (const group of Array.isArray(groups) ? groups : [groups]) {
    if (typeof group === 'string' && !RESERVED_GROUP.test(group)) found.push(`group:${group}`);
  }
  return found;
}

/** The address that the issuer has verified, in lower case, and the domain that has its bearer as a member. */
export function verifiedAddress(claims: IdentityClaims): { address: string; domain?: string } | undefined {
  const { email, email_verified: verified } = claims;
  if (typeof email !== 'string' || verified !== true || !ADDRESS.test(email)) return undefined;
  const address = userName(email);
  return { address, domain: domainOf(claims, address) };
}

/**
 * The domain of a verified address. Of Google's accounts that is the claim `hd`: anyone may have an account of an address in
 * a domain that Google does not manage (Google, OpenID Connect: ID token's payload).
 */
function domainOf({ iss, hd }: IdentityClaims, address: string): string | undefined {
  if (typeof hd === 'string') return hd.toLowerCase();
  return iss === GOOGLE ? undefined : address.slice(address.indexOf('@') + 1);
}

/** Addresses have no case; other names do. */
function userName(name: string): string {
  return ADDRESS.test(name) ? name.toLowerCase() : name;
}
