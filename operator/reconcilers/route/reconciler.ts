import type { Route } from '../../apis/serving/route/types.ts';
import { Controller } from '../../kube/controller.ts';
import { keyOf } from '../../kube/types.ts';
import type { Permission } from '../../rbac.ts';
import { type Context, executorOf } from '../context.ts';
import { configurationsOfRoute, revisionsOfRoute } from '../informers.ts';
import { hostsOfRoute, takenHosts } from './hosts.ts';
import { planRoute, type RouteInput, refusedRoute } from './plan.ts';

export const permissions: Permission[] = [
  { apiGroups: ['serving.knative.dev'], resources: ['routes/status'], verbs: ['patch'] },
  { apiGroups: [''], resources: ['services'], verbs: ['create', 'patch'] },
];

/** Route -> what the gateways serve (its status) and the name inside the cluster. */
export function routeController(context: Context): Controller {
  const { informers, config, identity, now, log } = context;
  const executor = executorOf(context, 'route', refusedRoute);
  const reconcile = async (key: string) => {
    const input = observe(key, context);
    if (!input) return;
    return executor.execute(input.route, planRoute(input, identity.namespace, config, now()));
  };
  const routes = informers.routes.store;
  return new Controller({ name: 'route', workers: 4, reconcile, log })
    .watch(informers.routes, (route) => [keyOf(route.metadata), ...rivalsOf(route, context).map(keyOfRoute)])
    .watch(informers.configurations, ({ metadata }) =>
      routes.byIndex('configuration', keyOf(metadata)).map((route) => keyOf(route.metadata)),
    )
    .watch(informers.revisions, ({ metadata }) =>
      routes.byIndex('revision', keyOf(metadata)).map((route) => keyOf(route.metadata)),
    )
    .watch(informers.coreServices, ({ metadata }) => (routes.get(keyOf(metadata)) ? [keyOf(metadata)] : []));
}

function observe(key: string, context: Context): RouteInput | undefined {
  const { informers } = context;
  const route = informers.routes.store.get(key);
  if (!route || route.metadata.deletionTimestamp) return undefined;
  return {
    route,
    configurations: byName(configurationsOfRoute(route), (each) => informers.configurations.store.get(each)),
    revisions: byName(revisionsOfRoute(route), (each) => informers.revisions.store.get(each)),
    alias: informers.coreServices.store.get(key),
    taken: takenHosts(route, rivalsOf(route, context), context.config),
  };
}

/** Routes that ask for a host of this one. */
function rivalsOf(route: Route, { informers, config }: Context): Route[] {
  const found = hostsOfRoute(config)(route).flatMap((host) => informers.routes.store.byIndex('host', host));
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
