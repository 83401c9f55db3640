import type { Dispatcher } from 'undici';
import type { KubeClient } from '../kube/client.ts';
import type { PublicKey } from './issuer.ts';

const TIMEOUT_MS = 10_000;
/** A longer answer is no set of keys. */
const MAX_BYTES = 512 * 1024;
const MOST_KEYS = 100;
/** Where every issuer describes itself (OpenID Connect Discovery, 4). */
const CONFIGURATION = '/.well-known/openid-configuration';
/** Where an API server has its keys (Kubernetes: Service account issuer discovery); `jwks_uri` may be where nobody gets to. */
const CLUSTER_KEYS = '/openid/v1/jwks';
/** The API server answers with 406 to those that accept no other (RFC 7517, 8.5.2). */
const KEYS_TYPE = 'application/jwk-set+json';

/** An issuer and its keys as they are published. */
export interface Published {
  issuer: string;
  keys: PublicKey[];
}

/** Where the keys of an issuer come from. */
export interface IssuerSource {
  /** Unset for the cluster's, which says itself what it is called. */
  issuer?: string;
  audiences: readonly string[];
  /** @throws {IssuerError} when it cannot be reached, or what it publishes is invalid. */
  fetch(): Promise<Published>;
}

/** The keys of an issuer cannot be had; the message says why. */
export class IssuerError extends Error {
  readonly code = 'ISSUER_KEYS';
}

/** The cluster's own issuer, through its API server. */
export function clusterSource(client: Pick<KubeClient, 'request'>): IssuerSource {
  return {
    audiences: [],
    async fetch() {
      const [configuration, keys] = await Promise.all([
        client.request<unknown>('GET', CONFIGURATION, { timeoutMs: TIMEOUT_MS }),
        client.request<unknown>('GET', CLUSTER_KEYS, { timeoutMs: TIMEOUT_MS, accept: KEYS_TYPE }),
      ]);
      return { issuer: textOf(configuration, 'issuer'), keys: publicKeys(keys) };
    },
  };
}

/**
 * An issuer of the configuration. What it says of itself must have the same name, as a redirect or a wrong address could
 * lead to another (OpenID Connect Discovery, 4.3).
 */
export function configuredSource(issuer: string, audiences: readonly string[] = []): IssuerSource {
  return {
    issuer,
    audiences,
    async fetch() {
      const configuration = await getJson(`${issuer.replace(/\/$/, '')}${CONFIGURATION}`);
      const name = textOf(configuration, 'issuer');
      if (name !== issuer) throw new IssuerError(`it calls itself ${name}`);
      const url = textOf(configuration, 'jwks_uri');
      if (issuer.startsWith('https:') && !url.startsWith('https:')) {
        throw new IssuerError(`jwks_uri is ${url}, and must be https as the issuer is`);
      }
      return { issuer, keys: publicKeys(await getJson(url)) };
    },
  };
}

/**
 * The keys of a set that tokens may be signed with: RSA, and EC of P-256, with a name (RFC 7517, 5).
 * @throws {IssuerError} when it is no set of keys, or has none of these: such an answer is taken for a mistake.
 */
export function publicKeys(set: unknown): PublicKey[] {
  const { keys } = (set ?? {}) as { keys?: unknown };
  if (!Array.isArray(keys)) throw new IssuerError('its answer is no set of keys');
  const found = keys.slice(0, MOST_KEYS).flatMap((key) => publicKey(key) ?? []);
  if (found.length > 0) return found;
  throw new IssuerError('it publishes no key for RS256 or ES256');
}

function publicKey(key: unknown): PublicKey | undefined {
  const { kid, kty, use, alg, n, e, crv, x, y } = (key ?? {}) as Record<string, unknown>;
  if (typeof kid !== 'string' || (use !== undefined && use !== 'sig')) return undefined;
  const isFor = (algorithm: string): boolean => alg === undefined || alg === algorithm;
  if (kty === 'RSA' && isFor('RS256') && typeof n === 'string' && typeof e === 'string') {
    return { kid, kty, n, e };
  }
  if (kty === 'EC' && crv === 'P-256' && isFor('ES256') && typeof x === 'string' && typeof y === 'string') {
    return { kid, kty, crv, x, y };
  }
  return undefined;
}

let agent: Promise<Dispatcher> | undefined;

/** Loaded with the first configured issuer: HTTPS_PROXY, HTTP_PROXY and NO_PROXY are honoured. */
async function proxyAgent(): Promise<Dispatcher> {
  const { EnvHttpProxyAgent } = await import('undici');
  return new EnvHttpProxyAgent({ allowH2: false, maxResponseSize: MAX_BYTES });
}

async function getJson(url: string): Promise<unknown> {
  agent ??= proxyAgent();
  const { origin, pathname, search } = new URL(url);
  const { statusCode, body } = await (await agent).request({
    origin,
    path: pathname + search,
    method: 'GET',
    headers: { accept: 'application/json' },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (statusCode !== 200) {
    await body.dump();
    throw new IssuerError(`${url} answered with ${statusCode}`);
  }
  const text = await body.text();
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new IssuerError(`${url} answered no JSON`, { cause });
  }
}

function textOf(value: unknown, field: string): string {
  const text = ((value ?? {}) as Record<string, unknown>)[field];
  if (typeof text === 'string' && text !== '') return text;
  throw new IssuerError(`its configuration has no ${field}`);
}
