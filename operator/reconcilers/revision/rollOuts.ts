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
 * The line of revisions whose running instances have an older pod template. So many at a time have their turn, and each
 * keeps it until all its instances are replaced and ready: a template that does not start stops the line, and every
 * instance goes on. What is under way counts whoever began it, also before a restart of the controller.
 */
export class RollOuts {
  readonly #options: RollOutsOptions;
  readonly #turns = new Set<string>();
  /** Revision -> what is to be done when its turn has come; the one that has waited longest first. */
  readonly #waiting = new Map<string, () => void>();

  constructor(options: RollOutsOptions) {
    this.#options = options;
  }

  /** Whether the running instances of a revision (`namespace/name`) may be replaced now. */
  has(revision: string): boolean {
    return this.#turns.has(revision);
  }

  /** Takes note of how a revision stands. @param wake called when its turn has come. */
  saw(revision: string, state: TemplateState, wake: () => void): void {
    if (this.#options.limit === 0) return;
    if (state === 'settled') {
      this.#turns.delete(revision);
      this.#waiting.delete(revision);
    }
    if (state === 'replacing') this.#turns.add(revision);
    if (state === 'outdated' && !this.#turns.has(revision)) this.#waiting.set(revision, wake);
    this.#next();
  }

  /** The revision has gone, or has nothing to be replaced. */
  forget(revision: string): void {
    this.#turns.delete(revision);
    this.#waiting.delete(revision);
    this.#next();
  }

  #next(): void {
    const { limit, deployments } = this.#options;
    if (this.#waiting.size === 0 || this.#turns.size >= limit) return;
    for (const deployment of deployments())
      if (isReplacing(deployment)) this.#turns.add(revisionOf(deployment));
    for (const [revision, wake] of this.#waiting) {
      if (this.#turns.size >= limit) return;
      this.#waiting.delete(revision);
      this.#turns.add(revision);
      wake();
    }
  }
}

/** The line as the configuration wants it. */
export function rollOutsOf(
  { instance }: Pick<Config, 'instance'>,
  { deployments }: Pick<Informers, 'deployments'>,
): RollOuts {
  return new RollOuts({ limit: instance.maxRollOuts, deployments: () => deployments.store.list() });
}

function revisionOf({ metadata: { namespace, labels } }: Deployment): string {
  return keyOf({ namespace, name: labels?.[SERVING.revision] ?? '' });
}
