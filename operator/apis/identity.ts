import { createHash } from 'node:crypto';

/** The part of the configuration that determines service identities. */
export interface IdentityConfig {
  /** E-mail address -> name of a Kubernetes ServiceAccount, where one cannot be derived from the other. */
  serviceAccounts: Record<string, string>;
}

/** The Google project that a namespace stands for. */
export interface Project {
  id: string;
  number: string;
}

/** Scopes of every token: all of Google Cloud. Roles limit what a program may do, scopes do not. */
export const SCOPES: readonly string[] = ['https://www.googleapis.com/auth/cloud-platform'];

/** Google's own default accounts: an exported service names one of these when no account was chosen. */
const DEFAULT_ACCOUNT = /(-compute@developer|@appspot)\.gserviceaccount\.com$/;

/**
 * The Kubernetes ServiceAccount that `serviceAccountName` stands for, in the service's own namespace:
 * 1. the one that the chart value `serviceAccounts` maps exactly this address to;
 * 2. `default` for Google's default accounts, so that an exported service runs unchanged;
 * 3. of any other address, what comes before its `@`;
 * 4. a name without `@` is the name itself.
 * @returns undefined when no name is given, which Kubernetes treats as `default`.
 */
export function kubernetesServiceAccount(
  name: string | undefined,
  config: IdentityConfig,
): string | undefined {
  if (!name) return undefined;
  const mapped = Object.hasOwn(config.serviceAccounts, name) ? config.serviceAccounts[name] : undefined;
  if (mapped) return mapped;
  if (DEFAULT_ACCOUNT.test(name)) return 'default';
  const at = name.indexOf('@');
  return at < 0 ? name : name.slice(0, at);
}

/**
 * The address that a program sees as its own, the inverse of {@link kubernetesServiceAccount}:
 * 1. the address that the chart maps to this account: the one in this project, or else the only one;
 * 2. `NUMBER-compute@developer.gserviceaccount.com` for `default`, as on Cloud Run;
 * 3. `NAME@PROJECT.iam.gserviceaccount.com`.
 */
export function serviceAccountEmail(name: string, project: Project, config: IdentityConfig): string {
  const mapped = Object.keys(config.serviceAccounts).filter(
    (email) => config.serviceAccounts[email] === name,
  );
  const own = mapped.find((email) => email.endsWith(`@${project.id}.iam.gserviceaccount.com`));
  if (own) return own;
  if (mapped.length === 1 && mapped[0]) return mapped[0];
  if (name === 'default') return `${project.number}-compute@developer.gserviceaccount.com`;
  return `${name}@${project.id}.iam.gserviceaccount.com`;
}

/** The project ID of a namespace: the template with `{namespace}` filled in. */
export function projectId(template: string, namespace: string): string {
  return template.replaceAll('{namespace}', namespace);
}

/** A project number of twelve digits, like those of Google, which stays the same for the life of a namespace. */
export function projectNumber(namespaceUid: string): string {
  const bits = createHash('sha256').update(namespaceUid).digest().readBigUInt64BE();
  return String(100_000_000_000n + (bits % 900_000_000_000n));
}

/** A long hexadecimal number for one instance (container contract, instance/id). */
export function instanceId(podUid: string): string {
  return `00${createHash('sha512').update(podUid).digest('hex')}`;
}
