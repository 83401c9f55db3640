import type { IdentityToken, VerificationKey } from '../../identity/identityToken.ts';
import { audiencesOf, expiryOf, isSigned, keysOf, readToken } from '../../identity/identityToken.ts';
import type { IssuerEntry } from '../../identity/issuer.ts';
import { configuredSource } from '../../identity/issuerSource.ts';
import { Issuers } from '../../identity/issuers.ts';
import type { Clock } from '../../kube/clock.ts';
import type { RoleConfig } from '../../roles.ts';
import type { Logger } from '../../telemetry/log.ts';
import { ApiError } from '../errors.ts';
import { parseJson } from '../server/json.ts';
import type { Known } from './authentication.ts';
import { personOf } from './claims.ts';

type Configured = RoleConfig<'api'>['api']['issuers'][number];

const GROUPS = 'groups';

export interface OidcOptions {
  configured: readonly Configured[];
  log: Logger;
  signal: AbortSignal;
  now: () => number;
  clock?: Clock;
}

/**
 * Whose a token of a configured issuer is (OpenID Connect Core, 3.1.3.7: ID Token Validation). The cluster is not asked about
 * such a token.
 */
export class Oidc {
  readonly issuers: Issuers;
  readonly #configured: readonly Configured[];
  readonly #now: () => number;
  #keys: ReadonlyMap<string | undefined, ReadonlyMap<string, VerificationKey> | undefined> = new Map();

  constructor({ configured, now, ...options }: OidcOptions) {
    const names = new Set(configured.map(({ issuer }) => issuer));
    const sources = [...names].map((issuer) => configuredSource(issuer));
    this.issuers = new Issuers({ ...options, sources, publish: (entries) => this.#take(entries) });
    this.#configured = configured;
    this.#now = now;
  }

  /**
   * The person; undefined for a token that is of no configured issuer.
   * @throws {ApiError} UNAUTHENTICATED for one that is not valid, UNAVAILABLE while that cannot be said.
   */
  async personOf(text: string): Promise<Known | undefined> {
    const token = readToken(text, parseJson);
    const named = this.#configured.filter(({ issuer }) => issuer === token?.claims.iss);
    if (!token || named.length === 0) return undefined;
    const expiresAt = expiryOf(token, this.#now());
    if (expiresAt === undefined) throw refused('The token has expired, or is not valid yet.');
    const audiences = audiencesOf(token);
    const issuer = named.find((each) => each.audiences.some((audience) => audiences.includes(audience)));
    if (!issuer) throw refused('The audience of the token is none that is configured for its issuer.');
    // Last what costs most, so that it takes more than any token to have it done.
    if (!isSigned(token, await this.#keyOf(token, issuer))) throw refused(NOT_SIGNED);
    const person = personOf(token.claims, issuer.groupsClaim ?? GROUPS);
    if (typeof person === 'string') throw refused(person);
    return { person, expiresAt };
  }

  /** The key that a token names. An issuer that is not known to have it is asked, as it may have changed its keys. */
  async #keyOf({ kid }: IdentityToken, { issuer }: Configured): Promise<VerificationKey> {
    if (typeof kid !== 'string') throw refused(NOT_SIGNED);
    const known = this.#keys.get(issuer)?.get(kid);
    if (known) return known;
    await this.issuers.unknownKey(issuer);
    const found = this.#keys.get(issuer)?.get(kid);
    if (found) return found;
    if (!this.issuers.isFailing(issuer)) throw refused(NOT_SIGNED);
    throw new ApiError(
      'UNAVAILABLE',
      `The keys of the issuer ${issuer} cannot be fetched, so that the token cannot be verified. Try again in a few ` +
        'seconds; the log of the Admin API says why.',
    );
  }

  /** A key that is gone proves nothing any more. */
  #take(entries: readonly IssuerEntry[]): void {
    this.#keys = new Map(entries.map((entry) => [entry.issuer, keysOf(entry)]));
  }
}

const NOT_SIGNED = 'The signature of the token is not that of a key of its issuer.';

function refused(why: string): ApiError {
  return new ApiError('UNAUTHENTICATED', `Request had invalid authentication credentials. ${why}`);
}
