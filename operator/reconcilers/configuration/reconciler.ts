import { SERVING } from '../../apis/labels.ts';
import { Controller } from '../../kube/controller.ts';
import { isControlledBy } from '../../kube/owner.ts';
import { keyOf } from '../../kube/types.ts';
import type { Permission } from '../../rbac.ts';
import { type Context, executorOf } from '../context.ts';
import { configurationsOfRoute, labelKey, revisionsOfRoute, type Stores, storesFor } from '../informers.ts';
import { type ConfigurationInput, planConfiguration, refusedConfiguration } from './plan.ts';

export const permissions: Permission[] = [
  { apiGroups: ['serving.knative.dev'], resources: ['configurations/status'], verbs: ['patch'] },
  { apiGroups: ['serving.knative.dev'], resources: ['revisions'], verbs: ['create', 'patch', 'delete'] },
];

/** Configuration -> Revisions, and the end of those that nobody needs. */
export function configurationController(context: Context): Controller {
  const { informers, config, now, log } = context;
  const reconcile = async (key: string) => {
    const input = observe(key, stores);
    if (!input) return;
    return executor.execute(input.configuration, planConfiguration(input, config, now()));
  };
  const controller = new Controller({ name: 'configuration', workers: 4, reconcile, log });
  const stores = storesFor(controller, informers, 'configurations', 'revisions', 'routes');
  const executor = executorOf(context, 'configuration', stores, refusedConfiguration);
  return controller
    .watch(informers.configurations, ({ metadata }) => [keyOf(metadata)])
    .watch(informers.revisions, labelKey(SERVING.configuration))
    .watch(informers.routes, configurationsOfRoute);
}

function observe(
  key: string,
  { configurations, revisions: all, routes }: Stores<'configurations' | 'revisions' | 'routes'>,
): ConfigurationInput | undefined {
  const configuration = configurations.get(key);
  if (!configuration || configuration.metadata.deletionTimestamp) return undefined;
  const { uid = '', namespace } = configuration.metadata;
  const name = configuration.spec.template.metadata?.name;
  const revisions = all.byIndex('configuration', key).filter((revision) => isControlledBy(revision, uid));
  const routed = revisions
    .flatMap((revision) => routes.byIndex('revision', keyOf(revision.metadata)))
    .flatMap(revisionsOfRoute)
    .map((revisionKey) => revisionKey.slice(revisionKey.indexOf('/') + 1));
  return {
    configuration,
    revisions,
    named: name ? all.get(`${namespace}/${name}`) : undefined,
    routed: new Set(routed),
  };
}
