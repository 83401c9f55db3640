import type { Route } from '../../apis/serving/route/types.ts';
import type { UrlConfig } from '../../apis/url.ts';
import { configurationsOfRoute, revisionsOfRoute, type Stores } from '../informers.ts';
import { hostsOfRoute, takenHosts } from './hosts.ts';
import type { RouteInput } from './plan.ts';

/** A route, what its targets name, and what others have of its names; undefined when it is gone or going. */
export function observe(
  key: string,
  stores: Stores<'routes' | 'configurations' | 'revisions' | 'coreServices'>,
  urls: UrlConfig,
): RouteInput | undefined {
  const route = stores.routes.get(key);
  if (!route || route.metadata.deletionTimestamp) return undefined;
  return {
    route,
    configurations: byName(configurationsOfRoute(route), (each) => stores.configurations.get(each)),
    revisions: byName(revisionsOfRoute(route), (each) => stores.revisions.get(each)),
    alias: stores.coreServices.get(key),
    taken: takenHosts(route, rivalsOf(route, stores, urls), urls),
  };
}

/** The other routes that ask for a host of this one. */
export function rivalsOf(route: Route, { routes }: Stores<'routes'>, urls: UrlConfig): Route[] {
  const found = hostsOfRoute(urls)(route).flatMap((host) => routes.byIndex('host', host));
  return [...new Set(found)].filter((rival) => rival !== route);
}

function byName<T extends { metadata: { name: string } }>(
  keys: string[],
  get: (key: string) => T | undefined,
): Map<string, T> {
  const found = keys.flatMap((key) => get(key) ?? []);
  return new Map(found.map((object) => [object.metadata.name, object]));
}
