import { SERVING } from '../../apis/labels.ts';
import { Controller } from '../../kube/controller.ts';
import { keyOf } from '../../kube/types.ts';
import type { Permission } from '../../rbac.ts';
import { type Context, executorOf } from '../context.ts';
import { configurationsOfRoute, labelKey, storesFor } from '../informers.ts';
import { observe } from './observe.ts';
import { planConfiguration, rejectedConfiguration } from './plan.ts';

export const permissions: Permission[] = [
  { apiGroups: ['serving.knative.dev'], resources: ['configurations/status'], verbs: ['patch'] },
  { apiGroups: ['serving.knative.dev'], resources: ['revisions'], verbs: ['create', 'patch', 'delete'] },
];

/** Configuration -> Revisions, and the end of those beyond the history limit. */
export function configurationController(context: Context): Controller {
  const { informers, config, now, log } = context;
  const reconcile = async (key: string) => {
    const input = observe(key, stores);
    if (!input) return;
    return executor.execute(input.configuration, planConfiguration(input, config, now()));
  };
  const controller = new Controller({ name: 'configuration', workers: 4, reconcile, log });
  const stores = storesFor(controller, informers, 'configurations', 'revisions', 'routes');
  const executor = executorOf(context, 'configuration', stores, rejectedConfiguration);
  return controller
    .watch(informers.configurations, ({ metadata }) => [keyOf(metadata)])
    .watch(informers.revisions, labelKey(SERVING.configuration))
    .watch(informers.routes, configurationsOfRoute);
}
