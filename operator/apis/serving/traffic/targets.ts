import { keyOf } from '../../../kube/types.ts';
import type { Route } from '../route/types.ts';
import type { Share } from './shares.ts';

/** What a Route sends to one of its revisions. */
export interface Target {
  readonly revision: string;
  /** Of the route's requests; 0 for a revision that only a tag reaches. */
  readonly percent: number;
  /** All revisions of the route that get a percentage. */
  readonly split: readonly Share[];
}

const byRoute = new WeakMap<Route, ReadonlyMap<string, Target>>();

/** What the Route that sends most to a revision sends there; undefined when none of these Routes reaches it. */
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
  const known = byRoute.get(route);
  if (known) return known;
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
