import { REVISIONS } from '../../apis/serving/revision/types.ts';
import type { Route } from '../../apis/serving/route/types.ts';
import { SERVICES, type Service } from '../../apis/serving/service/types.ts';
import type { UrlConfig } from '../../apis/url.ts';
import type { Store } from '../../kube/store.ts';
import type { KubeObject } from '../../kube/types.ts';
import type { Context } from '../context.ts';
import { configurationsOfRoute, revisionsOfRoute, type Stores } from '../informers.ts';
import { unseen } from '../unseen.ts';
import { type Holder, holderOfMapping, holderOfRoute, hostsOfRoute, takenHosts } from './hosts.ts';
import { isOfEarlierService, type RouteInput } from './plan.ts';

/** A route, what its targets name, and what others have of its names; undefined when it is gone or going. */
export async function observe(
  key: string,
  stores: Stores<'routes' | 'services' | 'configurations' | 'revisions' | 'coreServices' | 'domainMappings'>,
  { client, config: urls }: Pick<Context, 'client' | 'config'>,
): Promise<RouteInput | undefined> {
  const route = stores.routes.get(key);
  if (!route || route.metadata.deletionTimestamp) return undefined;
  const service = stores.services.get(key);
  if (!isServicePresent(route, service)) return undefined;
  const [configurations, revisions] = [configurationsOfRoute(route), revisionsOfRoute(route)];
  const others = await unseen(
    revisions,
    stores.revisions,
    REVISIONS,
    client,
    (revision) => !isOfEarlierService(revision, route),
  );
  return {
    route,
    configurations: byName(present(configurations, stores.configurations)),
    revisions: byName([...present(revisions, stores.revisions), ...others]),
    service,
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

/** Whether there is the very service that made the route: one whose service has gone goes soon, and nothing is said of it. */
function isServicePresent({ metadata }: Route, service: Service | undefined): boolean {
  const owner = metadata.ownerReferences?.find(
    ({ controller, kind }) => controller && kind === SERVICES.kind,
  );
  return !owner || owner.uid === service?.metadata.uid;
}

function present<T extends KubeObject>(keys: readonly string[], store: Store<T>): T[] {
  return keys.flatMap((key) => store.get(key) ?? []);
}

function byName<T extends KubeObject>(objects: readonly T[]): Map<string, T> {
  return new Map(objects.map((object) => [object.metadata.name, object]));
}
