import type { Route } from '../apis/serving/route/types.ts';
import { revisionsReached, type Target, targetOf } from '../apis/serving/traffic/targets.ts';
import type { Change } from '../kube/informer.ts';
import { keyOf } from '../kube/types.ts';

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
