import { Controller } from '../../kube/controller.ts';
import { keyOf, keyOfObject } from '../../kube/types.ts';
import type { Permission } from '../../rbac.ts';
import { type Context, executorOf } from '../context.ts';
import { storesFor } from '../informers.ts';
import { hostsOfRoute } from '../route/hosts.ts';
import { observe } from './observe.ts';
import { planDomainMapping } from './plan.ts';

export const permissions: Permission[] = [
  { apiGroups: ['domains.cloudrun.com'], resources: ['domainmappings/status'], verbs: ['patch'] },
];

/** DomainMapping -> the route that the gateways serve at its domain (its status). */
export function domainMappingController(context: Context): Controller {
  const { informers, config, now, log } = context;
  const reconcile = async (key: string) => {
    const input = observe(key, stores, config);
    if (!input) return;
    return executor.execute(input.mapping, planDomainMapping(input, config, now()));
  };
  const controller = new Controller({ name: 'domainMapping', workers: 2, reconcile, log });
  const stores = storesFor(controller, informers, 'domainMappings', 'routes');
  const { domainMappings } = stores;
  const executor = executorOf(context, 'domainMapping', stores, () => undefined);
  const hosts = hostsOfRoute(config);
  return controller
    .watch(informers.domainMappings, (mapping) =>
      [mapping, ...domainMappings.byIndex('host', mapping.metadata.name)].map(keyOfObject),
    )
    .watch(informers.routes, (route) =>
      [
        ...domainMappings.byIndex('route', keyOf(route.metadata)),
        ...hosts(route).flatMap((host) => domainMappings.byIndex('host', host)),
      ].map(keyOfObject),
    );
}
