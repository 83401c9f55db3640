import { SERVING } from '../../apis/labels.ts';
import { Controller } from '../../kube/controller.ts';
import { isControlledBy } from '../../kube/owner.ts';
import { keyOf } from '../../kube/types.ts';
import type { Permission } from '../../rbac.ts';
import { type Context, executorOf } from '../context.ts';
import { configurationsOfRoute, labelKey, revisionsOfRoute } from '../informers.ts';
import { type ConfigurationInput, planConfiguration, refusedConfiguration } from './plan.ts';

export const permissions: Permission[] = [
  { apiGroups: ['serving.knative.dev'], resources: ['configurations/status'], verbs: ['patch'] },
  { apiGroups: ['serving.knative.dev'], resources: ['revisions'], verbs: ['create', 'patch', 'delete'] },
];

/** Configuration -> Revisions, and the end of those that nobody needs. */
export function configurationController(context: Context): Controller {
  const { informers, config, now, log } = context;
  const executor = executorOf(context, 'configuration', refusedConfiguration);
  const reconcile = async (key: string) => {
    const input = observe(key, context);
    if (!input) return;
    return executor.execute(input.configuration, planConfiguration(input, config, now()));
  };
  return new Controller({ name: 'configuration', workers: 4, reconcile, log })
    .watch(informers.configurations, ({ metadata }) => [keyOf(metadata)])
    .watch(informers.revisions, labelKey(SERVING.configuration))
    .watch(informers.routes, configurationsOfRoute);
}

function observe(key: string, { informers }: Context): ConfigurationInput | undefined {
  const configuration = informers.configurations.store.get(key);
  if (!configuration || configuration.metadata.deletionTimestamp) return undefined;
  const { uid = '', namespace } = configuration.metadata;
  const name = configuration.spec.template.metadata?.name;
  const revisions = informers.revisions.store
    .byIndex('configuration', key)
    .filter((revision) => isControlledBy(revision, uid));
  const routed = revisions
    .flatMap((revision) => informers.routes.store.byIndex('revision', keyOf(revision.metadata)))
    .flatMap(revisionsOfRoute)
    .map((revisionKey) => revisionKey.slice(revisionKey.indexOf('/') + 1));
  return {
    configuration,
    revisions,
    named: name ? informers.revisions.store.get(`${namespace}/${name}`) : undefined,
    routed: new Set(routed),
  };
}
