import { SERVING } from '../apis/labels.ts';
import type { Revision } from '../apis/serving/revision/types.ts';
import type { Route } from '../apis/serving/route/types.ts';
import type { Service } from '../apis/serving/service/types.ts';
import { revisionsReached, type Target } from '../apis/serving/traffic/targets.ts';
import type { Deployment } from '../kube/core.ts';
import type { Informer } from '../kube/informer.ts';
import { keyOf } from '../kube/types.ts';
import { Targets } from './targets.ts';

/** Within so many rounds each revision is visited, even without a change. */
const ROUNDS_FOR_ALL = 60;

export interface Watched {
  revisions: Informer<Revision>;
  services: Informer<Service>;
  routes: Informer<Route>;
  deployments: Informer<Deployment>;
}

/**
 * Selects the revisions that a round of scaling visits: those with instances or requests, those that have changed, and
 * some of the rest in turn. A revision without instances, requests and minimum stays so until one of these changes.
 */
export class RevisionSelection {
  readonly #revisions: Informer<Revision>['store'];
  readonly #targets = new Targets();
  readonly #changed = new Set<string>();
  readonly #awake = new Set<string>();
  #rest: Iterator<string> | undefined;

  constructor({ revisions, services, routes, deployments }: Watched) {
    this.#revisions = revisions.store;
    revisions.onChange(({ object }) => this.#changed.add(keyOf(object.metadata)));
    deployments.onChange(({ object }) => {
      const { namespace, labels } = object.metadata;
      this.#changed.add(keyOf({ namespace, name: labels?.[SERVING.revision] ?? '' }));
    });
    routes.onChange((change) => this.#add(this.#targets.take(change)));
    // A service's numbers apply to the revisions that its route, which has the same name, reaches.
    services.onChange(({ object }) => this.#add(revisionsReached(routes.store.get(keyOf(object.metadata)))));
  }

  /** A revision's share of its Route. */
  targetOf(revision: string): Target | undefined {
    return this.#targets.of(revision);
  }

  /** The revisions to visit now, which may be deleted. @param loaded those in the reports of gateways. */
  next(loaded: Iterable<string>): Set<string> {
    const keys = new Set([...this.#awake, ...this.#changed, ...loaded]);
    this.#changed.clear();
    for (let left = Math.ceil(this.#revisions.size / ROUNDS_FOR_ALL); left > 0; left--) {
      this.#rest ??= this.#revisions.keys()[Symbol.iterator]();
      const { value, done } = this.#rest.next();
      if (done) this.#rest = undefined;
      else keys.add(value);
    }
    return keys;
  }

  /** Sets whether the next round visits a revision in any case. */
  keep(revision: string, isAwake: boolean): void {
    if (isAwake) this.#awake.add(revision);
    else this.#awake.delete(revision);
  }

  #add(keys: Iterable<string>): void {
    for (const key of keys) this.#changed.add(key);
  }
}
