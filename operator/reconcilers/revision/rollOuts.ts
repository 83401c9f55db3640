import { SERVING } from '../../apis/labels.ts';
import type { Config } from '../../config.ts';
import type { Deployment } from '../../kube/core.ts';
import { keyOf } from '../../kube/types.ts';
import type { Informers } from '../informers.ts';
import { isReplacing, type TemplateState } from './podTemplate.ts';

export interface RollOutsOptions {
  /** How many revisions' instances are replaced at a time (chart value `instance.maxRollOuts`); 0 is none. */
  limit: number;
  /** All Deployments of revisions, as last seen. */
  deployments: () => Iterable<Deployment>;
}

/**
 * The queue of revisions whose running instances have an older pod template. A limited number of them has a slot, and each
 * keeps it until all its instances are replaced and ready: a template that does not start stops the queue, and every
 * instance goes on. A roll-out under way takes a slot too, whatever began it, also before a restart of the controller.
 */
export class RollOuts {
  readonly #options: RollOutsOptions;
  readonly #slots = new Set<string>();
  /** Revision -> what to call when it gets a slot; that which has waited longest first. */
  readonly #waiting = new Map<string, () => void>();

  constructor(options: RollOutsOptions) {
    this.#options = options;
  }

  /** Whether the running instances of a revision (`namespace/name`) may be replaced now. */
  has(revision: string): boolean {
    return this.#slots.has(revision);
  }

  /** Records how a revision stands. @param wake called when it gets a slot. */
  record(revision: string, state: TemplateState, wake: () => void): void {
    if (this.#options.limit === 0) return;
    if (state === 'complete') {
      this.#slots.delete(revision);
      this.#waiting.delete(revision);
    }
    if (state === 'replacing') this.#slots.add(revision);
    if (state === 'outdated' && !this.#slots.has(revision)) this.#waiting.set(revision, wake);
    this.#next();
  }

  /** The revision is gone, or has nothing to be replaced. */
  forget(revision: string): void {
    this.#slots.delete(revision);
    this.#waiting.delete(revision);
    this.#next();
  }

  #next(): void {
    const { limit, deployments } = this.#options;
    if (this.#waiting.size === 0 || this.#slots.size >= limit) return;
    for (const deployment of deployments())
      if (isReplacing(deployment)) this.#slots.add(revisionOf(deployment));
    for (const [revision, wake] of this.#waiting) {
      if (this.#slots.size >= limit) return;
      this.#waiting.delete(revision);
      this.#slots.add(revision);
      wake();
    }
  }
}

/** The queue with the limit of the configuration. */
export function rollOutsOf(
  { instance }: Pick<Config, 'instance'>,
  { deployments }: Pick<Informers, 'deployments'>,
): RollOuts {
  return new RollOuts({ limit: instance.maxRollOuts, deployments: () => deployments.store.list() });
}

function revisionOf({ metadata: { namespace, labels } }: Deployment): string {
  return keyOf({ namespace, name: labels?.[SERVING.revision] ?? '' });
}
