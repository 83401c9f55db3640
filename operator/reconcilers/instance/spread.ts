import { SERVING } from '../../apis/labels.ts';
import type { Deployment, Pod } from '../../kube/core.ts';

type Constraints = Pick<NonNullable<Pod['spec']>, 'topologySpreadConstraints'>;

/**
 * Over what the instances of a Deployment shall be spread. A change of its template restarts all its instances, so those
 * that run stay as they are; without instances a Deployment takes over what the chart says now.
 */
export function spreadFor(deployment: Deployment | undefined, current: readonly string[]): readonly string[] {
  if (!deployment?.spec?.replicas) return current;
  const { topologySpreadConstraints = [] } = deployment.spec.template?.spec ?? {};
  // Not those that somebody else has put there.
  const own = topologySpreadConstraints.filter(
    ({ labelSelector }) => labelSelector?.matchLabels?.[SERVING.revisionUID] !== undefined,
  );
  return own.map(({ topologyKey }) => topologyKey);
}

/** The part of a pod that spreads a revision's instances; an instance that finds no better place starts all the same. */
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
