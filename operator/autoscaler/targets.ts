import type { Route } from '../apis/serving/route/types.ts';
import type { Share } from '../apis/serving/traffic/shares.ts';
import type { Change } from '../kube/informer.ts';
import { keyOf } from '../kube/types.ts';

/** A revision's share of a Route. */
export interface Target {
  readonly revision: string;
  /** Of the route's requests; 0 for a revision that only a tag reaches. */
  readonly percent: number;
  /** All revisions of the route that get a percentage. */
  readonly split: readonly Share[];
}

const byRoute = new WeakMap<Route, ReadonlyMap<string, Target>>();

/** Which revisions the Routes reach now. Revisions are named by `namespace/name`. */
export class Targets {
  /** Revision -> Routes that reach it, by their keys. */
  readonly #routes = new Map<string, Map<string, Route>>();
  /** Route -> revisions that it reaches. */
  readonly #reached = new Map<string, readonly string[]>();

  /** Applies a change of a Route. @returns the revisions that it reached before, and that it reaches now. */
  take({ type, object }: Pick<Change<Route>, 'type' | 'object'>): string[] {
    const route = keyOf(object.metadata);
    const left = this.#reached.get(route) ?? [];
    for (const revision of left) {
      const routes = this.#routes.get(revision);
      routes?.delete(route);
      if (routes?.size === 0) this.#routes.delete(revision);
    }
    const reached = type === 'deleted' ? [] : revisionsReached(object);
    if (reached.length > 0) this.#reached.set(route, reached);
    else this.#reached.delete(route);
    for (const revision of reached) {
      const routes = this.#routes.get(revision) ?? new Map<string, Route>();
      this.#routes.set(revision, routes.set(route, object));
    }
    return [...left, ...reached];
  }

  /** A revision's share of the Route that gives it most; the same object while that Route has not changed. */
  of(revision: string): Target | undefined {
    return targetOf(revision, this.#routes.get(revision)?.values() ?? []);
  }
}

/** A revision's share of the one of these Routes that gives it most; undefined when none reaches it. */
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
