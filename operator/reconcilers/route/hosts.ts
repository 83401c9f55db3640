import type { Route } from '../../apis/serving/route/types.ts';
import { hasOutsideName } from '../../apis/serving/route/visibility.ts';
import { hostsOf, type UrlConfig } from '../../apis/url.ts';
import { keyOf } from '../../kube/types.ts';

/** A host that another route has. */
export interface TakenHost {
  host: string;
  /** `namespace/name` of the route that has it. */
  by: string;
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
 * @param rivals routes that ask for one of the same hosts.
 */
export function takenHosts(
  route: Route,
  rivals: readonly Route[],
  config: UrlConfig,
): Map<string, TakenHost> {
  const holders = rivals
    .filter(({ metadata }) => keyOf(metadata) !== keyOf(route.metadata) && !metadata.deletionTimestamp)
    .map((rival) => ({ rival, hosts: new Set(heldTags(rival).flatMap(namesIn(rival, config))) }));
  const own = new Set(heldTags(route));
  const taken = new Map<string, TakenHost>();
  for (const tag of wantedTags(route)) {
    for (const host of namesIn(route, config)(tag)) {
      const holder = holders.find(
        ({ rival, hosts }) => hosts.has(host) && (!own.has(tag) || age(rival) < age(route)),
      );
      if (holder && !taken.has(tag)) taken.set(tag, { host, by: keyOf(holder.rival.metadata) });
    }
  }
  return taken;
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

function age({ metadata }: Route): string {
  return `${metadata.creationTimestamp} ${keyOf(metadata)}`;
}
