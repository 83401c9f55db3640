import type { Route } from '../apis/serving/route/types.ts';
import { keyOf } from '../kube/types.ts';
import type { Share } from './shares.ts';

/** A revision's place in a Route. */
export interface Target {
  readonly revision: string;
  /** Of the route's requests; 0 for a revision that only a tag reaches. */
  readonly percent: number;
  /** All revisions of the route that get a percentage. */
  readonly split: readonly Share[];
}

const byRoute = new WeakMap<Route, readonly Target[]>();

/**
 * Which revisions the Routes reach now, by `namespace/name`. Keeps the targets of a Route that has not
 * changed, so that they can be compared by identity.
 */
export function targetsOf(routes: Iterable<Route>): Map<string, Target> {
  const targets = new Map<string, Target>();
  for (const route of routes) {
    for (const target of targetsOfRoute(route)) {
      const key = keyOf({ namespace: route.metadata.namespace, name: target.revision });
      const other = targets.get(key);
      if (!other || other.percent < target.percent) targets.set(key, target);
    }
  }
  return targets;
}

function targetsOfRoute(route: Route): readonly Target[] {
  const known = byRoute.get(route);
  if (known) return known;
  const percents = new Map<string, number>();
  for (const { revisionName, percent = 0 } of route.status?.traffic ?? []) {
    if (revisionName) percents.set(revisionName, (percents.get(revisionName) ?? 0) + percent);
  }
  const split = [...percents].map(([revision, percent]) => ({ revision, percent }));
  const targets = split.map((share) => ({ ...share, split }));
  byRoute.set(route, targets);
  return targets;
}
