import { SERVING } from '../apis/labels.ts';
import type { Revision } from '../apis/serving/revision/types.ts';
import type { Route } from '../apis/serving/route/types.ts';
import type { Service } from '../apis/serving/service/types.ts';
import { revisionsReached, type Target } from '../apis/serving/traffic/targets.ts';
import type { Deployment } from '../kube/core.ts';
import type { Informer } from '../kube/informer.ts';
import { keyOf } from '../kube/types.ts';
import { Targets } from './targets.ts';

/** In so many rounds each revision is looked at, whether or not anything is known to have happened to it. */
const ROUNDS_FOR_ALL = 60;

export interface Watched {
  revisions: Informer<Revision>;
  services: Informer<Service>;
  routes: Informer<Route>;
  deployments: Informer<Deployment>;
}

/**
 * Which revisions a round of scaling looks at: those with instances or requests, those that have changed, and some of
 * the rest in turn. A revision that has no instance, no request and no minimum stays so until one of these changes.
 */
export class Attention {
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
    // A service's numbers are those of the revisions that its route, which has its name, gives requests.
    services.onChange(({ object }) => this.#add(revisionsReached(routes.store.get(keyOf(object.metadata)))));
  }

  /** A revision's place in its Route. */
  targetOf(revision: string): Target | undefined {
    return this.#targets.of(revision);
  }

  /** The revisions to look at now, which may have gone. @param loaded those that gateways told of. */
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

  /** Whether the next round looks at a revision in any case. */
  keep(revision: string, isAwake: boolean): void {
    if (isAwake) this.#awake.add(revision);
    else this.#awake.delete(revision);
  }

  #add(keys: Iterable<string>): void {
    for (const key of keys) this.#changed.add(key);
  }
}
