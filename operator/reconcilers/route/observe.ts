import type { Route } from '../../apis/serving/route/types.ts';
import type { UrlConfig } from '../../apis/url.ts';
import type { KubeObject } from '../../kube/types.ts';
import { configurationsOfRoute, revisionsOfRoute, type Stores } from '../informers.ts';
import { type Holder, holderOfMapping, holderOfRoute, hostsOfRoute, takenHosts } from './hosts.ts';
import type { RouteInput } from './plan.ts';

/** A route, what its targets name, and what others have of its names; undefined when it is gone or going. */
export function observe(
  key: string,
  stores: Stores<'routes' | 'services' | 'configurations' | 'revisions' | 'coreServices' | 'domainMappings'>,
  urls: UrlConfig,
): RouteInput | undefined {
  const route = stores.routes.get(key);
  if (!route || route.metadata.deletionTimestamp) return undefined;
  return {
    route,
    configurations: byName(configurationsOfRoute(route), (each) => stores.configurations.get(each)),
    revisions: byName(revisionsOfRoute(route), (each) => stores.revisions.get(each)),
    service: stores.services.get(key),
    alias: stores.coreServices.get(key),
    taken: takenHosts(route, holdersOf(hostsOfRoute(urls)(route), route, stores, urls), urls),
  };
}

/** The other routes that ask for a host of this one. */
export function rivalsOf(route: Route, stores: Stores<'routes'>, urls: UrlConfig): Route[] {
  return routesAt(hostsOfRoute(urls)(route), stores).filter((rival) => rival !== route);
}

function routesAt(hosts: readonly string[], { routes }: Stores<'routes'>): Route[] {
  return [...new Set(hosts.flatMap((host) => routes.byIndex('host', host)))];
}

/**
 * The routes and domain mappings that ask for one of the hosts, with what they have; one that is going has nothing.
 * @param self what asks, and is none of them.
 */
export function holdersOf(
  hosts: readonly string[],
  self: KubeObject,
  stores: Stores<'routes' | 'domainMappings'>,
  urls: UrlConfig,
): Holder[] {
  const isOther = (object: KubeObject) => object !== self && !object.metadata.deletionTimestamp;
  const mapped = hosts.flatMap((host) => stores.domainMappings.byIndex('host', host));
  return [
    ...routesAt(hosts, stores)
      .filter(isOther)
      .map((route) => holderOfRoute(route, urls)),
    ...mapped.filter(isOther).map(holderOfMapping),
  ];
}

function byName<T extends { metadata: { name: string } }>(
  keys: string[],
  get: (key: string) => T | undefined,
): Map<string, T> {
  const found = keys.flatMap((key) => get(key) ?? []);
  return new Map(found.map((object) => [object.metadata.name, object]));
}
