import { Controller } from '../../kube/controller.ts';
import type { KubeObject } from '../../kube/types.ts';
import type { Permission } from '../../rbac.ts';
import { type Context, executorOf } from '../context.ts';
import { storesFor } from '../informers.ts';
import { observe } from './observe.ts';
import { planService, rejectedService } from './plan.ts';

export const permissions: Permission[] = [
  { apiGroups: ['serving.knative.dev'], resources: ['services/status'], verbs: ['patch'] },
  { apiGroups: ['serving.knative.dev'], resources: ['configurations', 'routes'], verbs: ['create', 'patch'] },
];

/** Service -> Configuration and Route. */
export function serviceController(context: Context): Controller {
  const { informers, now, log } = context;
  const reconcile = async (key: string) => {
    const input = observe(key, stores);
    if (!input) return;
    return executor.execute(input.service, planService(input, now()));
  };
  const sameName = ({ metadata }: KubeObject) => [`${metadata.namespace}/${metadata.name}`];
  const controller = new Controller({ name: 'service', workers: 4, reconcile, log });
  const stores = storesFor(controller, informers, 'services', 'configurations', 'routes');
  const executor = executorOf(context, 'service', stores, rejectedService);
  return controller
    .watch(informers.services, sameName)
    .watch(informers.configurations, sameName)
    .watch(informers.routes, sameName);
}
