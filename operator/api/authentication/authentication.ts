import { hash } from 'node:crypto';
import { MAX_TOKEN_CHARS } from '../../identity/identityToken.ts';
import { ApiError } from '../errors.ts';
import type { Person } from '../resources/resources.ts';

/** Whose a token is. */
export interface Known {
  person: Person;
  /** When the token expires, in ms since 1970, where that is known. */
  expiresAt?: number;
}

/** Finds out whose a token is; undefined when it is nobody's. */
export type Authenticate = (token: string) => Promise<Known | undefined>;

/** How long the answer for a token holds. A token that is revoked is refused after this time. */
const CACHED_MS = 10_000;
/** Tokens that are remembered; beyond that the oldest are forgotten. */
const MOST_CACHED = 10_000;
/** RFC 6750, 2.1: the scheme's name is case-insensitive (RFC 9110). */
const BEARER = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i;

interface Cached {
  known: Promise<Known | undefined>;
  until: number;
}

/**
 * Whose a request is, by its header Authorization. The ways are tried in their order; what they say is remembered for
 * seconds, by a hash of the token, and not beyond its expiry.
 */
export class Authentication {
  readonly #ways: readonly Authenticate[];
  readonly #now: () => number;
  readonly #cache = new Map<string, Cached>();

  constructor(ways: readonly Authenticate[], now: () => number = Date.now) {
    this.#ways = ways;
    this.#now = now;
  }

  /** @throws {ApiError} UNAUTHENTICATED when the header is missing or its token is nobody's. */
  async personOf(authorization: string | undefined): Promise<Person> {
    const token = bearerToken(authorization);
    const key = hash('sha256', token, 'base64');
    const now = this.#now();
    const cached = this.#cache.get(key);
    const asked = cached && cached.until > now ? cached : this.#ask(key, token, now);
    const known = await asked.known;
    if (!known) {
      throw unauthenticated('Request had invalid authentication credentials: the token is not known here.');
    }
    if (known.expiresAt !== undefined) asked.until = Math.min(asked.until, known.expiresAt);
    return known.person;
  }

  #ask(key: string, token: string, now: number): Cached {
    const asked = { known: this.#find(token), until: now + CACHED_MS };
    this.#cache.delete(key);
    this.#cache.set(key, asked);
    // A failure to ask says nothing of the token.
    asked.known.catch(() => this.#cache.get(key) === asked && this.#cache.delete(key));
    if (this.#cache.size > MOST_CACHED) {
      const [oldest] = this.#cache.keys();
      this.#cache.delete(oldest as string);
    }
    return asked;
  }

  async #find(token: string): Promise<Known | undefined> {
    for (const authenticate of this.#ways) {
      const known = await authenticate(token);
      if (known) return known;
    }
    return undefined;
  }
}

/** The token of a header Authorization. @throws {ApiError} UNAUTHENTICATED where there is none. */
export function bearerToken(authorization: string | undefined): string {
  if (!authorization) {
    throw unauthenticated(
      'Request is missing required authentication credential. Expected the header "Authorization: Bearer TOKEN".',
    );
  }
  const [, token] = authorization.length <= MAX_TOKEN_CHARS ? (BEARER.exec(authorization) ?? []) : [];
  if (token) return token;
  throw unauthenticated(
    'Request had invalid authentication credentials: the header Authorization has no token.',
  );
}

/** What is answered to whom is not known. */
export function unauthenticated(message: string): ApiError {
  return new ApiError('UNAUTHENTICATED', message);
}
