import type { Dispatcher } from 'undici';
import { SCOPES } from '../apis/identity.ts';
import type { Config } from '../config.ts';
import type { Token } from './cache.ts';

type WorkloadIdentity = Config['metadata']['workloadIdentity'];

const TIMEOUT_MS = 10_000;
/** A token's lifetime when the service does not return one. */
const DEFAULT_LIFE_SECONDS = 3600;
const LONGEST_QUOTE = 500;

/** The token service or the impersonation rejected the request, or could not be reached. */
export class ExchangeError extends Error {
  override readonly name = 'ExchangeError';
  readonly code = 'TOKEN_EXCHANGE';
  /** The status of the service's response; 0 when there was none. */
  readonly status: number;

  constructor(message: string, status = 0, cause?: unknown) {
    super(message, { cause });
    this.status = status;
  }
}

/** The audience of the cluster's token that is exchanged. */
export function exchangeAudience({ audience, tokenAudience }: WorkloadIdentity): string {
  return tokenAudience || `https:${audience}`;
}

/**
 * An access token for Google Cloud in exchange for a token of the cluster (RFC 8693, OAuth 2.0 Token Exchange),
 * and with that one of the service account to act as, where impersonation is configured.
 * @param email replaces `{email}` in the impersonation's URL.
 * @throws {ExchangeError} with the service's response.
 */
export async function exchangeToken(
  config: WorkloadIdentity,
  { subject, scopes, email, dispatcher, now }: ExchangeRequest,
): Promise<Token> {
  const wanted = scopes.length > 0 ? scopes : SCOPES;
  const impersonates = config.impersonationUrl !== '';
  const form = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    audience: config.audience,
    scope: (impersonates ? SCOPES : wanted).join(' '),
    requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    subject_token: subject,
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
  });
  const granted = await post(config.tokenUrl, dispatcher, {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: form.toString(),
  });
  const lifeSeconds = Number(granted.expires_in ?? DEFAULT_LIFE_SECONDS);
  const token = {
    value: textOf(granted, 'access_token', config.tokenUrl),
    expiresAt: now() + lifeSeconds * 1000,
  };
  if (!impersonates) return token;
  const url = config.impersonationUrl.replaceAll('{email}', encodeURIComponent(email));
  const acting = await post(url, dispatcher, {
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token.value}` },
    body: JSON.stringify({ scope: wanted, lifetime: '3600s' }),
  });
  return {
    value: textOf(acting, 'accessToken', url),
    expiresAt: Date.parse(textOf(acting, 'expireTime', url)),
  };
}

export interface ExchangeRequest {
  /** The cluster's token for {@link exchangeAudience}. */
  subject: string;
  /** The scopes of the access token; all when empty. */
  scopes: readonly string[];
  email: string;
  dispatcher: Dispatcher;
  now: () => number;
}

async function post(
  url: string,
  dispatcher: Dispatcher,
  { headers, body }: { headers: Record<string, string>; body: string },
): Promise<Record<string, unknown>> {
  const { origin, pathname, search } = new URL(url);
  let status = 0;
  let answer = '';
  try {
    const response = await dispatcher.request({
      origin,
      path: pathname + search,
      method: 'POST',
      headers: { accept: 'application/json', ...headers },
      body,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    status = response.statusCode;
    answer = await response.body.text();
  } catch (cause) {
    throw new ExchangeError(`${origin} does not answer: ${(cause as Error).message}`, 0, cause);
  }
  if (status !== 200) {
    throw new ExchangeError(
      `${origin}${pathname} answered ${status}: ${answer.slice(0, LONGEST_QUOTE)}`,
      status,
    );
  }
  try {
    return JSON.parse(answer) as Record<string, unknown>;
  } catch (cause) {
    throw new ExchangeError(`${origin}${pathname} answered no JSON`, status, cause);
  }
}

function textOf(answer: Record<string, unknown>, field: string, url: string): string {
  const value = answer[field];
  if (typeof value === 'string' && value !== '') return value;
  throw new ExchangeError(`${new URL(url).origin} answered without ${field}`, 200);
}
