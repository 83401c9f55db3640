import type { Pod } from '../../kube/core.ts';
import { hasEnded } from '../../kube/pod.ts';

export interface EvictionsOptions {
  /** What the node said when it ended a pod; undefined when it did not. */
  read(pod: Pod): Promise<string | undefined>;
  /** Called with the revision's key once it is known of one of its pods. */
  onRead(revision: string): void;
}

/**
 * The side queue that finds out why pods were ended. A program that ends well at SIGTERM makes its evicted pod look
 * like one that is done: only the node's Event tells.
 */
export class Evictions {
  readonly #options: EvictionsOptions;
  /** Revision key -> pod UID -> what is known; `null` is that the node said nothing. */
  readonly #revisions = new Map<string, Map<string, string | null | undefined>>();

  constructor(options: EvictionsOptions) {
    this.#options = options;
  }

  /** What the node said of each pod, by UID; begins to ask for those that have ended without a word. */
  of(revision: string, pods: readonly Pod[]): ReadonlyMap<string, string> {
    const silent = pods.filter((pod) => hasEnded(pod) && !pod.status?.reason);
    if (silent.length === 0) {
      this.#revisions.delete(revision);
      return NOTHING;
    }
    const before = this.#revisions.get(revision);
    const known = new Map(silent.map(({ metadata: { uid = '' } }) => [uid, before?.get(uid)]));
    this.#revisions.set(revision, known);
    for (const pod of silent) if (!before?.has(pod.metadata.uid ?? '')) this.#ask(revision, pod);
    return new Map([...known].flatMap(([uid, said]): [string, string][] => (said ? [[uid, said]] : [])));
  }

  forget(revision: string): void {
    this.#revisions.delete(revision);
  }

  #ask(revision: string, pod: Pod): void {
    const uid = pod.metadata.uid ?? '';
    const known = () => this.#revisions.get(revision);
    this.#options
      .read(pod)
      .then((said) => {
        if (!known()?.has(uid)) return;
        known()?.set(uid, said ?? null);
        if (said) this.#options.onRead(revision);
      })
      // Asked again with the next change of the revision or its pods.
      .catch(() => known()?.delete(uid));
  }
}

const NOTHING: ReadonlyMap<string, string> = new Map();
