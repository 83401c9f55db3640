import type { Pod } from '../../kube/core.ts';
import { hasEnded } from '../../kube/pod.ts';

export interface EvictionsOptions {
  /** The message of the Event with which the node ended a pod; undefined where there is none. */
  read(pod: Pod): Promise<string | undefined>;
  /** Called with the revision's key once it is known of one of its pods. */
  onRead(revision: string): void;
}

/**
 * The side queue that finds out why pods were ended. A program that exits with 0 at SIGTERM makes its evicted pod look
 * like one that has completed: only the node's Event says why.
 */
export class Evictions {
  readonly #options: EvictionsOptions;
  /** Revision key -> pod UID -> what is known; `null` where there is no Event. */
  readonly #revisions = new Map<string, Map<string, string | null | undefined>>();

  constructor(options: EvictionsOptions) {
    this.#options = options;
  }

  /** The message of each pod's eviction, by UID; begins to look up those that have ended without a reason. */
  of(revision: string, pods: readonly Pod[]): ReadonlyMap<string, string> {
    const unexplained = pods.filter((pod) => hasEnded(pod) && !pod.status?.reason);
    if (unexplained.length === 0) {
      this.#revisions.delete(revision);
      return NOTHING;
    }
    const before = this.#revisions.get(revision);
    const known = new Map(unexplained.map(({ metadata: { uid = '' } }) => [uid, before?.get(uid)]));
    this.#revisions.set(revision, known);
    for (const pod of unexplained) if (!before?.has(pod.metadata.uid ?? '')) this.#ask(revision, pod);
    return new Map(
      [...known].flatMap(([uid, message]): [string, string][] => (message ? [[uid, message]] : [])),
    );
  }

  forget(revision: string): void {
    this.#revisions.delete(revision);
  }

  #ask(revision: string, pod: Pod): void {
    const uid = pod.metadata.uid ?? '';
    const known = () => this.#revisions.get(revision);
    this.#options
      .read(pod)
      .then((message) => {
        if (!known()?.has(uid)) return;
        known()?.set(uid, message ?? null);
        if (message) this.#options.onRead(revision);
      })
      // Looked up again with the next change of the revision or its pods.
      .catch(() => known()?.delete(uid));
  }
}

const NOTHING: ReadonlyMap<string, string> = new Map();
