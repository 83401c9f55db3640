import { Controller } from '../../kube/controller.ts';
import { type KubeObject, keyOf, keyOfObject } from '../../kube/types.ts';
import type { Permission } from '../../rbac.ts';
import { type Context, executorOf } from '../context.ts';
import { storesFor } from '../informers.ts';
import { observe, rivalsOf } from './observe.ts';
import { planRoute, rejectedRoute } from './plan.ts';

export const permissions: Permission[] = [
  { apiGroups: ['serving.knative.dev'], resources: ['routes/status'], verbs: ['patch'] },
  { apiGroups: [''], resources: ['services'], verbs: ['create', 'patch'] },
];

/** Route -> what the gateways serve (its status) and the name inside the cluster. */
export function routeController(context: Context): Controller {
  const { informers, config, identity, now, log } = context;
  const reconcile = async (key: string) => {
    const input = await observe(key, stores, context);
    if (!input) return;
    return executor.execute(input.route, planRoute(input, identity.namespace, config, now()));
  };
  const controller = new Controller({ name: 'route', workers: 4, reconcile, log });
  const stores = storesFor(
    controller,
    informers,
    'routes',
    'services',
    'configurations',
    'revisions',
    'coreServices',
    'domainMappings',
  );
  const { routes } = stores;
  const sameName = ({ metadata }: KubeObject) => (routes.get(keyOf(metadata)) ? [keyOf(metadata)] : []);
  const executor = executorOf(context, 'route', stores, rejectedRoute);
  return controller
    .watch(informers.routes, (route) => [route, ...rivalsOf(route, stores, config)].map(keyOfObject))
    .watch(informers.configurations, ({ metadata }) =>
      routes.byIndex('configuration', keyOf(metadata)).map(keyOfObject),
    )
    .watch(informers.revisions, ({ metadata }) =>
      routes.byIndex('revision', keyOf(metadata)).map(keyOfObject),
    )
    .watch(informers.services, sameName)
    .watch(informers.coreServices, sameName)
    .watch(informers.domainMappings, ({ metadata }) =>
      routes.byIndex('host', metadata.name).map(keyOfObject),
    );
}
