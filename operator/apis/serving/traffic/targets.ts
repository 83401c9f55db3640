import { keyOf } from '../../../kube/types.ts';
import type { Route } from '../route/types.ts';
import type { Share } from './shares.ts';

/** A revision's share of a Route's requests. */
export interface Target {
  readonly revision: string;
  /** Percentage of the requests; 0 for a revision that is reached only by a tag. */
  readonly percent: number;
  /** All revisions of the route with a percentage. */
  readonly split: readonly Share[];
}

const byRoute = new WeakMap<Route, ReadonlyMap<string, Target>>();

/** The target with the largest share among the Routes that reach a revision; undefined when none does. */
export function targetOf(revision: string, routes: Iterable<Route>): Target | undefined {
  let most: Target | undefined;
  for (const route of routes) {
    const target = targetsOfRoute(route).get(revision);
    if (target && (!most || most.percent < target.percent)) most = target;
  }
  return most;
}

/** The revisions that a Route reaches. */
export function revisionsReached(route: Route | undefined): string[] {
  return route ? [...targetsOfRoute(route).keys()] : [];
}

function targetsOfRoute(route: Route): ReadonlyMap<string, Target> {
  const cached = byRoute.get(route);
  if (cached) return cached;
  const { namespace } = route.metadata;
  const percents = new Map<string, number>();
  for (const { revisionName, percent = 0 } of route.status?.traffic ?? []) {
    if (revisionName) percents.set(revisionName, (percents.get(revisionName) ?? 0) + percent);
  }
  const split = [...percents].map(([revision, percent]) => ({ revision, percent }));
  const targets = new Map(
    split.map((share) => [keyOf({ namespace, name: share.revision }), { ...share, split }]),
  );
  byRoute.set(route, targets);
  return targets;
}
