import { isBoosted } from '../../apis/serving/revision/boost.ts';
import { Controller } from '../../kube/controller.ts';
import { isKubeError, TerminalError } from '../../kube/errors.ts';
import { type Resize, resizePod } from '../../kube/resize.ts';
import { keyOf } from '../../kube/types.ts';
import type { Permission } from '../../rbac.ts';
import type { Context } from '../context.ts';
import type { Sources } from '../informers.ts';
import { planBoost } from './plan.ts';

export const permissions: Permission[] = [{ apiGroups: [''], resources: ['pods/resize'], verbs: ['patch'] }];

/** Ends the startup CPU boost of instances that have started. Pods without one never come here. */
export function boostController({
  client,
  informers,
  now,
  log,
}: Pick<Context, 'client' | 'now' | 'log'> & { informers: Pick<Sources, 'pods'> }): Controller {
  const resize = async (key: string, body: Resize) => {
    const pod = pods.get(key);
    if (!pod) return;
    try {
      await resizePod(client, pod, body);
    } catch (cause) {
      if (isKubeError(cause, 'KUBE_NOT_FOUND')) return;
      // A policy of the cluster; it would say the same again.
      if (isKubeError(cause, 'KUBE_INVALID', 'KUBE_FORBIDDEN'))
        throw new TerminalError(`pod ${key} keeps its startup CPU boost`, { cause });
      throw cause;
    }
  };
  const reconcile = async (key: string) => {
    const pod = pods.get(key);
    const plan = pod && planBoost(pod, now());
    if (!plan) return;
    if ('recheckMs' in plan) return { requeueAfterMs: plan.recheckMs };
    return resize(key, plan.resize);
  };
  const controller = new Controller({ name: 'boost', workers: 4, reconcile, log });
  const pods = controller.reads(informers.pods);
  return controller.watch(informers.pods, (pod) => (isBoosted(pod) ? [keyOf(pod.metadata)] : []));
}
