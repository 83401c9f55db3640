import type { RevisionEntry } from '../shared/messages.ts';
import type { Rejection } from '../shared/rejections.ts';
import { affinityCookie } from './affinity.ts';
import type { Callers } from './callers.ts';
import { rawTarget } from './downstream/rawTarget.ts';
import type { RequestHead } from './headers.ts';
import { MOST_HOPS } from './hop.ts';
import type { HttpsRedirect } from './httpsRedirect.ts';
import type { Router, Split } from './router.ts';
import type { Throttler } from './throttler.ts';

const NO_REVISION: Rejection = {
  reason: 'no_revision',
  message: 'The service has no revision that takes requests.',
};
const UNSETTLED: Rejection = { reason: 'unreachable', message: 'No gateway takes requests of the revision.' };

/** Where requests come from: outside the cluster, inside of it, or another gateway. */
export type Side = 'external' | 'internal' | 'gateway';

/** Finds the revision for a request, or why none gets it. */
export class Destinations {
  readonly side: Side;
  readonly #router: Router;
  readonly #throttlers: ReadonlyMap<string, Throttler>;
  readonly #callers: Callers;
  readonly #redirect: HttpsRedirect | undefined;

  /** @param redirect where some of the requests are sent. */
  constructor(
    side: Side,
    router: Router,
    throttlers: ReadonlyMap<string, Throttler>,
    callers: Callers,
    redirect?: HttpsRedirect,
  ) {
    this.side = side;
    this.#router = router;
    this.#throttlers = throttlers;
    this.#callers = callers;
    this.#redirect = redirect;
  }

  /** @param path of the request target; undefined for one that has none. */
  find(method: string, path: string | undefined, head: RequestHead): Throttler | Rejection {
    if (method === 'TRACE' || method === 'CONNECT') {
      return { reason: 'method', message: `${method} is not supported.` };
    }
    if (head.otherCoding) {
      return { reason: 'unsupported', message: 'The only Transfer-Encoding that is supported is chunked.' };
    }
    if (head.contentLength !== undefined && !Number.isSafeInteger(head.contentLength)) {
      // It would be rounded, and the instance would get another length than the client sent.
      return { reason: 'malformed', message: 'The Content-Length must be a number below 2^53.' };
    }
    if (!head.host) return { reason: 'malformed', message: 'The request needs exactly one Host header.' };
    if (path === undefined) {
      return {
        reason: 'malformed',
        message: 'The request target must be a path, or a URL of the same host.',
      };
    }
    if (this.side === 'gateway') return this.#forwarded(head);
    const split = this.#router.find(head.host, this.side === 'internal');
    if (split === null) return { reason: 'malformed', message: 'The Host header is not a valid host name.' };
    if (!split) return { reason: 'unknown_host', message: 'No service answers at this host name.' };
    const location = this.#redirect?.target(head, path);
    if (location)
      return {
        reason: 'redirected',
        message: 'This host is served over HTTPS.',
        fields: ['location', location],
      };
    const rejected = split.invokers && this.#callers.check(split.invokers, path, head);
    return rejected ?? this.#throttlerOf(split, head) ?? NO_REVISION;
  }

  /** A revision of the service, for the limits of a request that waits before one is chosen for it. */
  revisionFor({ host = '' }: RequestHead): RevisionEntry | undefined {
    const targets = this.#router.find(host, this.side === 'internal')?.targets ?? [];
    const found = targets.find(({ revision }) => this.#throttlers.has(revision));
    return found && this.#throttlers.get(found.revision)?.entry;
  }

  /** The gateway that the client is connected to has checked who calls. */
  #forwarded(head: RequestHead): Throttler | Rejection {
    if (!head.hop) return { reason: 'malformed', message: 'Only gateways may send requests to this port.' };
    const { revision, count } = head.hop;
    const throttler = this.#throttlers.get(revision);
    if (!throttler) return NO_REVISION;
    if (throttler.entry.placement === 'gateway' && count >= MOST_HOPS) return UNSETTLED;
    if (throttler.entry.affinity !== undefined) head.affinity ??= affinityCookie(head.headers);
    return throttler;
  }

  #throttlerOf(split: Split, head: RequestHead): Throttler | undefined {
    const bound = split.targets.length > 1 ? this.#boundTo(split, head) : undefined;
    if (bound) return bound;
    const revision = split.next();
    const throttler = revision === undefined ? undefined : this.#throttlers.get(revision);
    if (throttler?.entry.affinity !== undefined) head.affinity ??= affinityCookie(head.headers);
    return throttler;
  }

  /** The revision that the client is bound to, which takes precedence over the split (Session affinity and traffic splitting). */
  #boundTo({ targets }: Split, head: RequestHead): Throttler | undefined {
    for (const { revision, percent } of targets) {
      const throttler = percent > 0 ? this.#throttlers.get(revision) : undefined;
      const affinity = throttler?.entry.affinity;
      if (affinity === undefined) continue;
      head.affinity ??= affinityCookie(head.headers);
      if (head.affinity === undefined) return undefined;
      if (head.affinity.startsWith(affinity) && !throttler?.isFailing) return throttler;
    }
    return undefined;
  }
}

/**
 * The target as a path. A URL is accepted when it names the same host as the Host header does (RFC 9112, 3.2.2 lets
 * the two differ, which is how requests are smuggled past rules on the host).
 */
export function originForm(target: string, host: string | undefined): string | undefined {
  if (target.charCodeAt(0) === 47) return rawTarget(target);
  const url = /^https?:\/\/([^/?#]+)([^#]*)$/i.exec(target);
  if (!url || url[1]?.toLowerCase() !== host?.toLowerCase()) return undefined;
  const rest = url[2] as string;
  return rawTarget(rest.startsWith('/') ? rest : `/${rest}`);
}
