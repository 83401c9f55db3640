import { cores } from '../../apis/quantity.ts';
import { boostEnd, regularLimits } from '../../apis/serving/revision/boost.ts';
import type { Pod } from '../../kube/core.ts';
import { readyCondition } from '../../kube/pod.ts';
import { type PodContainer, type Resize, type ResizedCpu, resizeOf } from '../../kube/resize.ts';

/** What is to be done about the boost of one pod. */
export type BoostPlan = { resize: Resize } | { recheckMs: number } | undefined;

/**
 * Ends the boost when the instance has been ready for ten seconds; undefined while it starts, and when there is
 * nothing left to do.
 */
export function planBoost(pod: Pod, now: number): BoostPlan {
  const later = regularLimits(pod);
  const ready = readyCondition(pod);
  if (!later || !ready || pod.metadata.deletionTimestamp) return undefined;
  const resize = resizeOf(pod, (container) => lowered(container, later));
  if (!resize) return undefined;
  const left = boostEnd(pod, Date.parse(ready.lastTransitionTime ?? '')) - now;
  return left > 0 ? { recheckMs: left } : { resize };
}

function lowered(
  { name, resources }: PodContainer,
  later: ReadonlyMap<string, string>,
): ResizedCpu | undefined {
  const cpu = later.get(name);
  const limit = resources?.limits?.cpu;
  if (cpu === undefined || limit === undefined || cores(limit) <= cores(cpu)) return undefined;
  const requested = resources?.requests?.cpu;
  // A request that rose with the limit goes back with it: the pod must stay in its class of service.
  const back = requested !== undefined && cores(requested) === cores(limit) ? { requests: { cpu } } : {};
  return { limits: { cpu }, ...back };
}
