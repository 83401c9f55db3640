import { principalsOf } from '../../apis/iam/membership.ts';
import {
  audiencesOf,
  expiryOf,
  type IdentityToken,
  isSigned,
  keysOf,
  readToken,
  type VerificationKey,
  withoutSignature,
} from '../../identity/identityToken.ts';
import type { IssuerEntry } from '../../identity/issuer.ts';
import type { InvokersEntry } from '../shared/invokers.ts';
import type { Rejection } from '../shared/rejections.ts';
import { forbidden, KEYS_PENDING, NO_KEYS, unauthenticated } from './callerRejections.ts';
import type { RequestHead } from './headers.ts';

const AUTHORIZATION = 'authorization';
/** Where there is one, `Authorization` is the program's own (Cloud Run, Authenticating service-to-service). */
const SERVERLESS = 'x-serverless-authorization';
const BEARER = /^bearer +/i;
/** Verified tokens that a thread remembers: so many, of so many characters together. */
const MOST_TOKENS = 2000;
const MOST_CHARS = 2 * 1024 * 1024;
/** A thread asks no more often for an issuer's keys that it does not know. */
const ASK_MS = 1000;

/** What a token that is not valid gets to read. */
const WHY = {
  form: 'The token is not a signed JSON Web Token.',
  twice: 'There is more than one token.',
  issuer: 'The issuer of the token is not trusted.',
  time: 'The token has expired or is not valid yet.',
  audience: 'The audience of the token is no URL of this service and none of its custom audiences.',
  signature: 'The signature of the token is not that of a key of its issuer.',
} as const;

/** Who may call a service, as one thread looks it up. */
export class Invokers {
  readonly audiences: ReadonlySet<string>;
  readonly principals: ReadonlySet<string>;

  constructor({ audiences, principals }: InvokersEntry) {
    this.audiences = new Set(audiences);
    this.principals = new Set(principals);
  }
}

interface Issuer {
  entry: IssuerEntry;
  keys: ReadonlyMap<string, VerificationKey> | undefined;
  /** When its keys were last asked for, in ms. */
  askedAt: number;
}

/** A token whose signature has been verified. */
interface Verified {
  /** By this gateway's clock, in ms. */
  expiresAt: number;
  /** Whether its issuer lets it be used for any service. */
  isForAny: boolean;
  audiences: readonly string[];
  principals: readonly string[];
  /** The field's value as the container gets it. */
  shown: string;
  /** The service that it was last found to be allowed to call. */
  allowedBy: Invokers | undefined;
}

/**
 * Checks who calls a service that is not open to everyone, by an identity token (Cloud Run, Authentication overview). What
 * has been verified is remembered for as long as the token and the keys of its issuer last.
 */
export class Callers {
  readonly #unknownKey: (issuer: string) => void;
  readonly #now: () => number;
  readonly #mostChars: number;
  #issuers: readonly Issuer[] = [];
  readonly #verified = new Map<string, Verified>();
  #chars = 0;

  /** @param unknownKey called for an issuer whose token names a key that it is not known to have. */
  constructor(unknownKey: (issuer: string) => void, now: () => number = Date.now, mostChars = MOST_CHARS) {
    this.#unknownKey = unknownKey;
    this.#now = now;
    this.#mostChars = mostChars;
  }

  /** How many tokens are remembered. */
  get size(): number {
    return this.#verified.size;
  }

  /** Takes the issuers with their keys as they are now; a key that is gone proves nothing any more. */
  setIssuers(issuers: readonly IssuerEntry[]): void {
    this.#issuers = issuers.map((entry) => ({ entry, keys: keysOf(entry), askedAt: 0 }));
    this.#verified.clear();
    this.#chars = 0;
  }

  /**
   * Why a request may not reach a service; undefined when it may, and then its head has the token without its signature.
   * @param path of the request target, for the response.
   */
  check(invokers: Invokers, path: string, head: RequestHead): Rejection | undefined {
    const at = tokenAt(head.headers);
    if (at === NONE) return forbidden(path);
    if (at === SEVERAL) return unauthenticated(path, WHY.twice);
    const field = head.headers[at] as string;
    const found = this.#known(field) ?? this.#verify(field, invokers);
    if (found === undefined) return forbidden(path);
    if (found === 'keys') return NO_KEYS;
    if (found === 'pending') return KEYS_PENDING;
    if (typeof found === 'string') return unauthenticated(path, WHY[found]);
    if (found.allowedBy !== invokers) {
      if (!isFor(found, invokers)) return unauthenticated(path, WHY.audience);
      if (!found.principals.some((principal) => invokers.principals.has(principal))) return forbidden(path);
      found.allowedBy = invokers;
    }
    head.headers[at] = found.shown;
    return undefined;
  }

  #known(field: string): Verified | undefined {
    const found = this.#verified.get(field);
    if (!found || found.expiresAt > this.#now()) return found;
    this.#forget(field);
    return undefined;
  }

  /** What a field that has not been seen proves, or why nothing; undefined when it has no token. */
  #verify(field: string, invokers: Invokers): Verified | keyof typeof WHY | 'keys' | 'pending' | undefined {
    const [scheme] = BEARER.exec(field) ?? [];
    if (scheme === undefined) return undefined;
    const token = readToken(field.slice(scheme.length));
    if (!token) return 'form';
    const issuer = this.#issuerOf(token);
    if (!issuer) return 'issuer';
    if (!issuer.keys) return issuer.entry.pending ? 'pending' : 'keys';
    const expiresAt = expiryOf(token, this.#now());
    if (expiresAt === undefined) return 'time';
    const { isCluster, audiences: always } = issuer.entry;
    const audiences = audiencesOf(token);
    const verified: Verified = {
      expiresAt,
      isForAny: audiences.some((audience) => always.includes(audience)),
      audiences,
      principals: principalsOf(token.claims, isCluster),
      shown: scheme + withoutSignature(token),
      allowedBy: undefined,
    };
    // Last what costs most, so that it takes more than any token to have it done.
    if (!isFor(verified, invokers)) return 'audience';
    if (!this.#isSigned(token, issuer)) return 'signature';
    this.#remember(field, verified);
    return verified;
  }

  /** The issuer that a token names. While that of the cluster is not known, any that is not configured may be it. */
  #issuerOf({ claims: { iss } }: IdentityToken): Issuer | undefined {
    const named = this.#issuers.find(({ entry }) => entry.issuer === iss && iss !== undefined);
    return named ?? this.#issuers.find(({ entry }) => entry.issuer === undefined);
  }

  #isSigned(token: IdentityToken, issuer: Issuer): boolean {
    const key = issuer.keys?.get(String(token.kid));
    if (key) return isSigned(token, key);
    const now = this.#now();
    if (issuer.entry.issuer !== undefined && now - issuer.askedAt >= ASK_MS) {
      issuer.askedAt = now;
      this.#unknownKey(issuer.entry.issuer);
    }
    return false;
  }

  #remember(field: string, verified: Verified): void {
    this.#verified.set(field, verified);
    this.#chars += field.length;
    for (const oldest of this.#verified.keys()) {
      if (this.#verified.size <= MOST_TOKENS && this.#chars <= this.#mostChars) break;
      this.#forget(oldest);
    }
  }

  #forget(field: string): void {
    if (this.#verified.delete(field)) this.#chars -= field.length;
  }
}

function isFor({ isForAny, audiences }: Verified, invokers: Invokers): boolean {
  return isForAny || audiences.some((audience) => invokers.audiences.has(audience));
}

const NONE = -1;
const SEVERAL = -2;

/** Index of the value of the field that has the token: one of two names, and only the first of these counts if it is there. */
function tokenAt(headers: readonly string[]): number {
  let authorization = NONE;
  let serverless = NONE;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    if (name.length === AUTHORIZATION.length && name.toLowerCase() === AUTHORIZATION) {
      authorization = authorization === NONE ? i + 1 : SEVERAL;
    } else if (name.length === SERVERLESS.length && name.toLowerCase() === SERVERLESS) {
      serverless = serverless === NONE ? i + 1 : SEVERAL;
    }
  }
  return serverless === NONE ? authorization : serverless;
}
