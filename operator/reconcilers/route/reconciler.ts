import type { Route } from '../../apis/serving/route/types.ts';
import type { UrlConfig } from '../../apis/url.ts';
import { Controller } from '../../kube/controller.ts';
import { keyOf } from '../../kube/types.ts';
import type { Permission } from '../../rbac.ts';
import { type Context, executorOf } from '../context.ts';
import { configurationsOfRoute, revisionsOfRoute, type Stores, storesFor } from '../informers.ts';
import { hostsOfRoute, takenHosts } from './hosts.ts';
import { planRoute, type RouteInput, refusedRoute } from './plan.ts';

export const permissions: Permission[] = [
  { apiGroups: ['serving.knative.dev'], resources: ['routes/status'], verbs: ['patch'] },
  { apiGroups: [''], resources: ['services'], verbs: ['create', 'patch'] },
];

/** Route -> what the gateways serve (its status) and the name inside the cluster. */
export function routeController(context: Context): Controller {
  const { informers, config, identity, now, log } = context;
  const reconcile = async (key: string) => {
    const input = observe(key, stores, config);
    if (!input) return;
    return executor.execute(input.route, planRoute(input, identity.namespace, config, now()));
  };
  const controller = new Controller({ name: 'route', workers: 4, reconcile, log });
  const stores = storesFor(controller, informers, 'routes', 'configurations', 'revisions', 'coreServices');
  const { routes } = stores;
  const executor = executorOf(context, 'route', stores, refusedRoute);
  return controller
    .watch(informers.routes, (route) => [route, ...rivalsOf(route, stores, config)].map(keyOfRoute))
    .watch(informers.configurations, ({ metadata }) =>
      routes.byIndex('configuration', keyOf(metadata)).map((route) => keyOf(route.metadata)),
    )
    .watch(informers.revisions, ({ metadata }) =>
      routes.byIndex('revision', keyOf(metadata)).map((route) => keyOf(route.metadata)),
    )
    .watch(informers.coreServices, ({ metadata }) => (routes.get(keyOf(metadata)) ? [keyOf(metadata)] : []));
}

function observe(
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

/** Routes that ask for a host of this one. */
function rivalsOf(route: Route, { routes }: Stores<'routes'>, urls: UrlConfig): Route[] {
  const found = hostsOfRoute(urls)(route).flatMap((host) => routes.byIndex('host', host));
  return [...new Set(found)].filter((rival) => rival !== route);
}

function keyOfRoute({ metadata }: Route): string {
  return keyOf(metadata);
}

function byName<T extends { metadata: { name: string } }>(
  keys: string[],
  get: (key: string) => T | undefined,
): Map<string, T> {
  const found = keys.flatMap((key) => get(key) ?? []);
  return new Map(found.map((object) => [object.metadata.name, object]));
}
