import type { Rejection } from '../shared/rejections.ts';
import type { FlatHeaders, Hop, RequestHead } from './headers.ts';
import type { Throttler } from './throttler.ts';
import type { Instance } from './upstream/instance.ts';

/**
 * The field in which a gateway names the revision of a request that it forwards to the revision's owner. It is the last one of
 * this name: what a client sends is before it. The port that reads it accepts connections from gateways only.
 */
const FIELD = 'x-homerun-forwarded';

/** A request is forwarded no more often: the gateways do not agree on its revision's owner. */
export const MOST_HOPS = 10;
/** How often a forwarded request is looked at again before it is treated as any other. */
const MOST_ATTEMPTS = 20;
/** How long a gateway may be ahead of another one that has not seen a revision yet. */
const UNSEEN_MS = 50;
/** Two gateways that each take the other for the owner agree soon; a request does not go back and forth meanwhile. */
const REFORWARD_MS = 10;

/** Adds the field for a gateway, and removes it for an instance. */
export function markHop(head: RequestHead, { isGateway }: Instance, revision: string): void {
  const { headers } = head;
  if (head.marked) headers.length -= 2;
  head.marked = isGateway;
  if (isGateway) headers.push(FIELD, `${(head.hop?.count ?? 0) + 1} ${revision}`);
}

/** Takes the field out of a request's headers; undefined when there is none, or none that a gateway has written. */
export function takeHop(headers: FlatHeaders): Hop | undefined {
  for (let i = headers.length - 2; i >= 0; i -= 2) {
    if ((headers[i] as string).toLowerCase() !== FIELD) continue;
    const [, value] = headers.splice(i, 2);
    const [, count, revision] = /^(\d+) (\S+)$/.exec(value as string) ?? [];
    return revision === undefined ? undefined : { revision, count: Number(count), attempts: 0 };
  }
  return undefined;
}

/**
 * Serves a forwarded request again a moment later when the gateways may not have settled where its revision's requests go.
 * @param found what is found for it now.
 * @param again called with `args` then.
 * @returns false when it is served now.
 */
export function settlesLater<T extends unknown[]>(
  hop: Hop,
  found: Throttler | Rejection,
  again: (...args: T) => void,
  ...args: T
): boolean {
  const waitMs = hop.attempts < MOST_ATTEMPTS ? settlingMs(hop, found) : 0;
  if (waitMs === 0) return false;
  hop.attempts++;
  setTimeout(again, waitMs, ...args);
  return true;
}

function settlingMs({ count, attempts }: Hop, found: Throttler | Rejection): number {
  if ('reason' in found) return found.reason === 'no_revision' ? UNSEEN_MS : 0;
  return attempts === 0 && found.entry.placement === 'gateway'
    ? REFORWARD_MS * 2 ** Math.min(count - 1, 4)
    : 0;
}

/** The address of the client of a forwarded request: the last element of X-Forwarded-For is the first gateway's. */
export function forwardedAddress({ forwardedFor = '' }: RequestHead): string {
  return forwardedFor.slice(forwardedFor.lastIndexOf(',') + 1).trim();
}
