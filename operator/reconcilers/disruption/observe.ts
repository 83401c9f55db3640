import { SERVING } from '../../apis/labels.ts';
import { deploymentName } from '../../apis/names.ts';
import { scalingSpec } from '../../apis/serving/revision/scaling.ts';
import { targetOf } from '../../apis/serving/traffic/targets.ts';
import { keyOf } from '../../kube/types.ts';
import type { Context } from '../context.ts';
import type { Stores } from '../informers.ts';
import type { DisruptionInput } from './plan.ts';

/** What decides whether a revision has a budget. */
export const READ = ['revisions', 'services', 'routes', 'deployments', 'disruptionBudgets'] as const;

/** A revision with what decides whether it has a budget; undefined when it is gone or going: its budget goes with it. */
export function observe(
  key: string,
  stores: Stores<(typeof READ)[number]>,
  { config }: Context,
): DisruptionInput | undefined {
  const revision = stores.revisions.get(key);
  if (!revision || revision.metadata.deletionTimestamp) return undefined;
  const { namespace, name, labels } = revision.metadata;
  const inNamespace = (named: string | undefined) => keyOf({ namespace, name: named ?? '' });
  const service = stores.services.get(inNamespace(labels?.[SERVING.service]));
  const target = targetOf(key, stores.routes.byIndex('revision', key));
  const own = stores.disruptionBudgets.get(inNamespace(deploymentName(name)));
  const others = stores.disruptionBudgets.byIndex('foreign', namespace ?? '');
  return {
    revision,
    scaling: scalingSpec(revision, service, target, config.autoscaler),
    deployment: stores.deployments.get(inNamespace(deploymentName(name))),
    budgets: own ? [own, ...others] : others,
  };
}
