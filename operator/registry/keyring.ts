import { compareTexts } from '../kube/json.ts';

/** What a pull secret says for one registry or part of it. */
export interface Credential {
  username: string;
  password: string;
  /** An OAuth2 refresh token; then the password counts for nothing. */
  identityToken?: string;
  /** A bearer token for the registry itself. */
  registryToken?: string;
  /** Name of the secret, for messages. */
  secret: string;
}

export interface KeyringEntry {
  /** `HOST[:PORT][/PATH]`; the host's labels may hold wildcards. */
  pattern: string;
  credential: Credential;
}

/** All that may be tried for an image, and what was wrong with the secrets that were named. */
export interface Keyring {
  entries: KeyringEntry[];
  /** Names of the secrets that were read. */
  secrets: string[];
  /** Clauses such as `secret "a" does not exist`. */
  problems: string[];
}

/** The part of a core Secret that counts here. */
export interface PullSecret {
  name: string;
  type?: string;
  /** Base64 values, as the API gives them. */
  data?: Record<string, string>;
}

interface AuthEntry {
  username?: unknown;
  password?: unknown;
  auth?: unknown;
  identitytoken?: unknown;
  registrytoken?: unknown;
}

const DOCKER_HUB = 'index.docker.io';

/**
 * The keyring of some pull secrets; a secret that cannot be used becomes a problem, never an error
 * (Kubernetes: Pull an Image from a Private Registry, config.json).
 * @param unread why other secrets that were named could not be read, as clauses.
 */
export function makeKeyring(secrets: readonly PullSecret[], unread: readonly string[] = []): Keyring {
  const keyring: Keyring = {
    entries: [],
    secrets: secrets.map((secret) => secret.name),
    problems: [...unread],
  };
  for (const secret of secrets) {
    try {
      keyring.entries.push(...entriesOf(secret));
    } catch (error) {
      keyring.problems.push(`secret "${secret.name}" ${(error as Error).message}`);
    }
  }
  keyring.entries.sort((a, b) => compareTexts(b.pattern, a.pattern));
  return keyring;
}

/**
 * The credentials for an image, the most specific pattern first, by the kubelet's rules: each label of
 * the host matches by itself, ports are equal, and the pattern's path is a prefix of the repository.
 */
export function credentialsFor(
  keyring: Keyring,
  image: { registry: string; repository: string },
): Credential[] {
  const target = `${image.registry}/${image.repository}`;
  const found = keyring.entries.filter((entry) => patternMatches(entry.pattern, target));
  if (found.length > 0 || image.registry !== 'docker.io') return found.map((entry) => entry.credential);
  return keyring.entries.filter((entry) => entry.pattern === DOCKER_HUB).map((entry) => entry.credential);
}

/** Whether a pattern of a pull secret covers `HOST[:PORT]/REPOSITORY`. */
export function patternMatches(pattern: string, target: string): boolean {
  const [patternHost, patternPath] = splitAtSlash(pattern);
  const [targetHost, targetPath] = splitAtSlash(target);
  const [patternLabels, patternPort] = splitHost(patternHost);
  const [targetLabels, targetPort] = splitHost(targetHost);
  if (patternPort !== targetPort || patternLabels.length !== targetLabels.length) return false;
  if (!targetPath.startsWith(patternPath)) return false;
  return patternLabels.every((label, index) => globMatches(label, targetLabels[index] ?? ''));
}

function entriesOf(secret: PullSecret): KeyringEntry[] {
  const auths = authsOf(secret);
  return Object.entries(auths).flatMap(([server, entry]) => {
    const credential = credentialOf(entry, secret.name);
    return credential ? [{ pattern: normalisePattern(server), credential }] : [];
  });
}

function authsOf(secret: PullSecret): Record<string, AuthEntry> {
  const json = secret.data?.['.dockerconfigjson'];
  const legacy = secret.data?.['.dockercfg'];
  const encoded = json ?? legacy;
  if (encoded === undefined) throw new Error('holds neither .dockerconfigjson nor .dockercfg');
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(encoded, 'base64').toString('utf8'));
  } catch {
    throw new Error('is not JSON');
  }
  const auths = json === undefined ? parsed : (parsed as { auths?: unknown } | null)?.auths;
  if (typeof auths !== 'object' || auths === null) throw new Error('has no "auths"');
  return auths as Record<string, AuthEntry>;
}

function credentialOf(entry: AuthEntry | null, secret: string): Credential | undefined {
  if (typeof entry !== 'object' || entry === null) return undefined;
  const [username, password] = decodeAuth(entry.auth) ?? [text(entry.username), text(entry.password)];
  const identityToken = text(entry.identitytoken) || undefined;
  const registryToken = text(entry.registrytoken) || undefined;
  if (!username && !password && !identityToken && !registryToken) return undefined;
  return { username, password, identityToken, registryToken, secret };
}

/** `auth` is base64 of `USER:PASSWORD`; it wins over the two fields, as in the kubelet. */
function decodeAuth(auth: unknown): [string, string] | undefined {
  if (typeof auth !== 'string' || auth === '') return undefined;
  const decoded = Buffer.from(auth, 'base64').toString('utf8').replace(/\0+$/, '');
  const colon = decoded.indexOf(':');
  return colon < 0 ? undefined : [decoded.slice(0, colon), decoded.slice(colon + 1)];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Keys come with or without a scheme; `/v1/` and `/v2/` only name the protocol's version. */
function normalisePattern(server: string): string {
  const bare = server.replace(/^https?:\/\//, '');
  const [host, path] = splitAtSlash(bare);
  const rest = path.replace(/^\/v[12]\//, '/');
  return rest === '/' ? host : host + rest;
}

function splitAtSlash(text: string): [host: string, path: string] {
  const slash = text.indexOf('/');
  return slash < 0 ? [text, ''] : [text.slice(0, slash), text.slice(slash)];
}

function splitHost(host: string): [labels: string[], port: string] {
  const port = /:\d+$/.exec(host)?.[0] ?? '';
  return [host.slice(0, host.length - port.length).split('.'), port];
}

/** `*`, `?` and `[a-z]` within one label; linear, since a pull secret is any user's text. */
function globMatches(pattern: string, label: string): boolean {
  const tokens = pattern.match(/\[\^?[^\]]+\]|./gs) ?? [];
  let token = 0;
  let at = 0;
  let star = -1;
  let resume = 0;
  while (at < label.length) {
    const current = tokens[token];
    if (current === '*') {
      star = token++;
      resume = at;
    } else if (current !== undefined && characterMatches(current, label.charAt(at))) {
      token++;
      at++;
    } else if (star >= 0) {
      token = star + 1;
      at = ++resume;
    } else {
      return false;
    }
  }
  return tokens.slice(token).every((rest) => rest === '*');
}

function characterMatches(token: string, character: string): boolean {
  if (token.length === 1) return token === '?' || token === character;
  try {
    return new RegExp(`^${token.replaceAll('\\', '\\\\')}$`).test(character);
  } catch {
    return false;
  }
}
