import { SERVING } from '../../apis/labels.ts';
import type { Pod } from '../../kube/core.ts';

type Constraints = Pick<NonNullable<Pod['spec']>, 'topologySpreadConstraints'>;

/** The part of a pod that spreads a revision's instances; where that is not possible, an instance is scheduled all the same. */
export function spread(over: readonly string[] = [], revisionUid: string): Constraints {
  if (over.length === 0) return {};
  const labelSelector = { matchLabels: { [SERVING.revisionUID]: revisionUid } };
  return {
    topologySpreadConstraints: over.map((topologyKey) => ({
      maxSkew: 1,
      topologyKey,
      whenUnsatisfiable: 'ScheduleAnyway' as const,
      labelSelector,
    })),
  };
}
