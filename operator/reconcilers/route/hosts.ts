import { claimOf } from '../../apis/domains/domainMapping/claim.ts';
import type { DomainMapping } from '../../apis/domains/domainMapping/types.ts';
import type { Route } from '../../apis/serving/route/types.ts';
import { hasOutsideName } from '../../apis/serving/route/visibility.ts';
import { hostsOf, type UrlConfig } from '../../apis/url.ts';
import { keyOf } from '../../kube/types.ts';

/** A host that another has. */
export interface TakenHost {
  host: string;
  /** The kind and name of what has it, for messages. */
  by: string;
}

/** A route or a domain mapping with the hosts that it has. */
export interface Holder {
  /** Its kind and name, for messages. */
  by: string;
  /** Sorts by age as the gateways do. */
  age: string;
  hosts: ReadonlySet<string>;
}

/** The route's own name among its tags. */
export const OWN = '';

/**
 * Hosts that a route asks for or has, as an index of routes: service `v1---echo` and tag `v1` of `echo` are one host,
 * and so may be services of two namespaces, depending on the chart value `urlTemplate`.
 */
export function hostsOfRoute(config: UrlConfig): (route: Route) => string[] {
  return (route) => [...new Set([...wantedTags(route), ...heldTags(route)].flatMap(namesIn(route, config)))];
}

/**
 * Hosts that a route asks for and does not get, by tag: another has them. Who has a host keeps it; of two that have it
 * the older one does, as in the gateways.
 * @param holders others that have hosts.
 */
export function takenHosts(
  route: Route,
  holders: readonly Holder[],
  config: UrlConfig,
): Map<string, TakenHost> {
  const own = new Set(heldTags(route));
  const taken = new Map<string, TakenHost>();
  for (const tag of wantedTags(route)) {
    for (const host of namesIn(route, config)(tag)) {
      const holder = keeperOf(host, holders, own.has(tag) ? ageOfRoute(route) : undefined);
      if (holder && !taken.has(tag)) taken.set(tag, { host, by: holder.by });
    }
  }
  return taken;
}

/** The first that has the host and keeps it from one of this age, which has it too, or from one that has not. */
export function keeperOf(host: string, holders: readonly Holder[], age?: string): Holder | undefined {
  return holders.find((holder) => holder.hosts.has(host) && (age === undefined || holder.age < age));
}

/** A route as the holder of its hosts. */
export function holderOfRoute(route: Route, config: UrlConfig): Holder {
  const hosts = new Set(heldTags(route).flatMap(namesIn(route, config)));
  return { by: `service '${keyOf(route.metadata)}'`, age: ageOfRoute(route), hosts };
}

/** A domain mapping as the holder of its domain. */
export function holderOfMapping({ metadata, status }: DomainMapping): Holder {
  const hosts = new Set(status?.mappedRouteName ? [metadata.name] : []);
  return { by: `domain mapping '${keyOf(metadata)}'`, age: ageOfMapping({ metadata }), hosts };
}

/** The age of a mapping among all that claim hosts. */
export function ageOfMapping({ metadata }: Pick<DomainMapping, 'metadata'>): string {
  return `${metadata.creationTimestamp} ${claimOf(keyOf(metadata))}`;
}

function namesIn(route: Route, config: UrlConfig): (tag: string) => string[] {
  return (tag) => {
    const { external, internal } = hostsOf(config, route.metadata, tag || undefined);
    return [...(hasOutsideName(route) ? [external] : []), ...internal.slice(0, 1)];
  };
}

function wantedTags({ spec }: Route): string[] {
  return [OWN, ...(spec.traffic ?? []).flatMap(({ tag }) => tag || [])];
}

function heldTags({ status }: Route): string[] {
  const traffic = status?.traffic ?? [];
  const own = traffic.some(({ percent }) => (percent ?? 0) > 0) ? [OWN] : [];
  return [...own, ...traffic.flatMap(({ tag }) => tag || [])];
}

function ageOfRoute({ metadata }: Route): string {
  return `${metadata.creationTimestamp} ${keyOf(metadata)}`;
}
