import type { Revision } from '../../apis/serving/revision/types.ts';
import type { Pod } from '../../kube/core.ts';
import { keyOf } from '../../kube/types.ts';
import type { Logger } from '../../telemetry/log.ts';

export interface StartWatchOptions {
  /** Resolves to whether the instance passed its startup probe; ends early when `signal` aborts. */
  probe(revision: Revision, pod: Pod, signal: AbortSignal): Promise<boolean>;
  /** Called with the revision's key once one of its pods has passed. */
  onPassed(revision: string): void;
  log: Logger;
}

interface Watched {
  /** Aborts the probing of the pod. */
  stop: AbortController;
  passed: boolean;
}

/**
 * The side queue of startup probes: a new revision is ready when an instance answers, not when the kubelet has
 * got round to asking it and the API to telling. Only revisions that have not been ready yet are probed.
 */
export class StartWatch {
  readonly #options: StartWatchOptions;
  /** Revision key -> pod UID -> its probing. */
  readonly #revisions = new Map<string, Map<string, Watched>>();

  constructor(options: StartWatchOptions) {
    this.#options = options;
  }

  /** UIDs of the pods that have passed; starts probing those that have an address, ends it for those that went. */
  passed(revision: Revision, pods: Pod[]): ReadonlySet<string> {
    const key = keyOf(revision.metadata);
    const watched = this.#revisions.get(key) ?? new Map<string, Watched>();
    this.#revisions.set(key, watched);
    const present = new Set(pods.filter(isProbed).map(({ metadata }) => metadata.uid ?? ''));
    for (const [uid, { stop }] of watched) {
      if (present.has(uid)) continue;
      stop.abort();
      watched.delete(uid);
    }
    for (const pod of pods) {
      const uid = pod.metadata.uid ?? '';
      if (present.has(uid) && !watched.has(uid)) watched.set(uid, this.#start(key, revision, pod));
    }
    return new Set([...watched].filter(([, { passed }]) => passed).map(([uid]) => uid));
  }

  /** Ends all probing for a revision: it is ready, or gone. */
  forget(revision: string): void {
    for (const { stop } of this.#revisions.get(revision)?.values() ?? []) stop.abort();
    this.#revisions.delete(revision);
  }

  #start(key: string, revision: Revision, pod: Pod): Watched {
    const watched: Watched = { stop: new AbortController(), passed: false };
    const { signal } = watched.stop;
    this.#options
      .probe(revision, pod, signal)
      .then((passed) => {
        if (!passed || signal.aborted) return;
        watched.passed = true;
        this.#options.onPassed(key);
      })
      .catch((err: unknown) => this.#failed(err, { key, pod, watched }));
    return watched;
  }

  /** No instance may take the controller along: the pod is probed again with the next change of its revision. */
  #failed(err: unknown, { key, pod, watched }: { key: string; pod: Pod; watched: Watched }): void {
    const { uid = '', name } = pod.metadata;
    this.#options.log.error({ err, revision: key, pod: name }, 'an instance could not be probed');
    const present = this.#revisions.get(key);
    if (present?.get(uid) === watched) present.delete(uid);
  }
}

function isProbed({ metadata, status }: Pod): boolean {
  return !metadata.deletionTimestamp && status?.podIP !== undefined;
}
