import type { Dispatcher } from 'undici';
import { type Challenge, parseChallenges } from './challenge.ts';
import { RegistryAnswerError, RegistryUnauthorizedError } from './errors.ts';
import type { Credential } from './keyring.ts';
import { readBody, send } from './transport.ts';

/** Who asked for authentication, and for what. */
export interface Challenger {
  dispatcher: Dispatcher;
  /** The request that was refused. */
  url: URL;
  repository: string;
  signal: AbortSignal;
}

const TOKEN_ANSWER_LIMIT = 256 * 1024;

/**
 * The Authorization header that answers a registry's challenge: Bearer through its token service, or Basic
 * (distribution documentation, Token Authentication Specification and OAuth2 Token Authentication).
 * @throws {RegistryUnauthorizedError} when there is nothing to answer with; its message is only a clause.
 */
export async function authorize(
  challenger: Challenger,
  header: string,
  credential: Credential | undefined,
): Promise<string> {
  const challenges = parseChallenges(header);
  const bearer = challenges.find((challenge) => challenge.scheme === 'bearer');
  if (bearer && credential?.registryToken) return `Bearer ${credential.registryToken}`;
  if (bearer?.params.realm) return `Bearer ${await fetchToken(challenger, bearer, credential)}`;
  const basic = challenges.some((challenge) => challenge.scheme === 'basic');
  if (basic && credential?.username) return basicHeader(credential);
  throw new RegistryUnauthorizedError(`${challenger.url.host} answered 401`);
}

async function fetchToken(
  challenger: Challenger,
  { params }: Challenge,
  credential: Credential | undefined,
): Promise<string> {
  const realm = tokenService(challenger.url, params.realm ?? '');
  const grant = {
    ...(params.service !== undefined && { service: params.service }),
    scope: params.scope ?? `repository:${challenger.repository}:pull`,
  };
  const { dispatcher, signal } = challenger;
  const answer = credential?.identityToken
    ? await send(dispatcher, realm, { ...refreshRequest(grant, credential.identityToken), signal })
    : await send(dispatcher, withQuery(realm, grant), {
        method: 'GET',
        headers: credential?.username ? { authorization: basicHeader(credential) } : {},
        signal,
      });
  if (answer.status >= 400 && answer.status < 500 && answer.status !== 429) {
    await answer.body.dump();
    throw new RegistryUnauthorizedError(`its token service ${realm.host} answered ${answer.status}`);
  }
  const token = answer.status === 200 ? tokenIn(await readBody(answer.body, TOKEN_ANSWER_LIMIT)) : undefined;
  if (token) return token;
  if (answer.status !== 200) await answer.body.dump();
  throw new RegistryAnswerError(
    `Registry ${challenger.url.host}: its token service ${realm.host} answered ${answer.status} without a token.`,
  );
}

/** The realm may be relative; it never makes credentials leave HTTPS. */
function tokenService(from: URL, realm: string): URL {
  if (!URL.canParse(realm, from.href)) {
    throw new RegistryAnswerError(
      `Registry ${from.host} names the token service "${realm}", which is no URL.`,
    );
  }
  const url = new URL(realm, from.href);
  if (url.protocol === 'https:' || (url.protocol === 'http:' && from.protocol === 'http:')) return url;
  throw new RegistryAnswerError(
    `Registry ${from.host} names a token service that is not HTTPS: ${url.origin}.`,
  );
}

function refreshRequest(grant: Record<string, string>, refreshToken: string) {
  const form = { grant_type: 'refresh_token', client_id: 'homerun', ...grant, refresh_token: refreshToken };
  return {
    method: 'POST' as const,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
  };
}

function withQuery(url: URL, query: Record<string, string>): URL {
  const full = new URL(url.href);
  for (const [name, value] of Object.entries(query)) full.searchParams.set(name, value);
  return full;
}

function basicHeader({ username, password }: Credential): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function tokenIn(body: Buffer): string | undefined {
  try {
    const { token, access_token: accessToken } = JSON.parse(body.toString('utf8'));
    const found: unknown = token || accessToken;
    return typeof found === 'string' && found !== '' ? found : undefined;
  } catch {
    return undefined;
  }
}
