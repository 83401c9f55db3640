import { Controller } from '../../kube/controller.ts';
import type { KubeObject } from '../../kube/types.ts';
import type { Permission } from '../../rbac.ts';
import { type Context, executorOf } from '../context.ts';
import { planService, refusedService } from './plan.ts';

export const permissions: Permission[] = [
  { apiGroups: ['serving.knative.dev'], resources: ['services/status'], verbs: ['patch'] },
  { apiGroups: ['serving.knative.dev'], resources: ['configurations', 'routes'], verbs: ['create', 'patch'] },
];

/** Service -> Configuration and Route. */
export function serviceController(context: Context): Controller {
  const { informers, now, log } = context;
  const executor = executorOf(context, 'service', refusedService);
  const reconcile = async (key: string) => {
    const service = informers.services.store.get(key);
    if (!service || service.metadata.deletionTimestamp) return;
    const configuration = informers.configurations.store.get(key);
    const route = informers.routes.store.get(key);
    return executor.execute(service, planService({ service, configuration, route }, now()));
  };
  const sameName = ({ metadata }: KubeObject) => [`${metadata.namespace}/${metadata.name}`];
  return new Controller({ name: 'service', workers: 4, reconcile, log })
    .watch(informers.services, sameName)
    .watch(informers.configurations, sameName)
    .watch(informers.routes, sameName);
}
