import { cores, isQuantity } from '../../apis/quantity.ts';
import { BOOST_ANNOTATION, boostEnd } from '../../apis/serving/revision/boost.ts';
import type { Pod } from '../../kube/core.ts';
import { readyCondition } from '../../kube/pod.ts';

interface Resized {
  name: string;
  resources: { limits: { cpu: string }; requests?: { cpu: string } };
}

/** A strategic merge patch of pods/resize. */
export interface Resize {
  spec: { containers?: Resized[]; initContainers?: Resized[] };
}

/** What is to be done about the boost of one pod. */
export type BoostPlan = { resize: Resize } | { recheckMs: number } | undefined;

/**
 * Ends the boost when the instance has been ready for ten seconds; undefined while it starts, and when there is
 * nothing left to do.
 */
export function planBoost(pod: Pod, now: number): BoostPlan {
  const later = laterLimits(pod);
  const ready = readyCondition(pod);
  if (!later || !ready || pod.metadata.deletionTimestamp) return undefined;
  const resize = resizeTo(pod, later);
  if (!resize) return undefined;
  const left = boostEnd(pod, Date.parse(ready.lastTransitionTime ?? '')) - now;
  return left > 0 ? { recheckMs: left } : { resize };
}

/** What stands in the annotation, which others may have changed. */
function laterLimits({ metadata }: Pod): Map<string, string> | undefined {
  try {
    const limits: unknown = JSON.parse(metadata.annotations?.[BOOST_ANNOTATION] ?? 'null');
    return limits ? new Map(Object.entries(limits).filter(([, cpu]) => isQuantity(cpu))) : undefined;
  } catch {
    return undefined;
  }
}

function resizeTo({ spec }: Pod, later: Map<string, string>): Resize | undefined {
  const containers = resized(spec?.containers, later);
  const initContainers = resized(spec?.initContainers, later);
  if (containers.length + initContainers.length === 0) return undefined;
  return {
    spec: {
      ...(containers.length > 0 ? { containers } : {}),
      ...(initContainers.length > 0 ? { initContainers } : {}),
    },
  };
}

type PodContainers = NonNullable<Pod['spec']>['containers'];

function resized(containers: PodContainers | undefined, later: Map<string, string>): Resized[] {
  return (containers ?? []).flatMap(({ name, resources }) => {
    const cpu = later.get(name);
    const limit = resources?.limits?.cpu;
    if (cpu === undefined || limit === undefined || cores(limit) <= cores(cpu)) return [];
    const requested = resources?.requests?.cpu;
    // A request that rose with the limit goes back with it: the pod must stay in its class of service.
    const back = requested !== undefined && cores(requested) === cores(limit) ? { requests: { cpu } } : {};
    return [{ name, resources: { limits: { cpu }, ...back } }];
  });
}
