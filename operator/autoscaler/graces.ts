import { SERVING } from '../apis/labels.ts';
import type { KubeClient } from '../kube/client.ts';
import { PODS, type Pod } from '../kube/core.ts';
import { isKubeError } from '../kube/errors.ts';
import { keyOf } from '../kube/types.ts';
import { END_SECONDS } from '../reconcilers/instance/pod.ts';
import type { Logger } from '../telemetry/log.ts';

/**
 * Shortens the end of instances. A pod may take as long to end as its longest request (see `instancePodSpec`); once none
 * is inside, it gets the ten seconds of the container contract.
 */
export class Graces {
  readonly #client: Pick<KubeClient, 'delete'>;
  readonly #log: Logger;
  /** UIDs of pods whose end is being shortened or has been. */
  readonly #shortened = new Set<string>();

  constructor(client: Pick<KubeClient, 'delete'>, log: Logger) {
    this.#client = client;
    this.#log = log;
  }

  /**
   * @param ending pods whose end can be shortened ({@link endingLong}).
   * @param isEmpty whether no gateway has a request inside a pod, nor sends one.
   */
  shorten(ending: readonly Pod[], isEmpty: (revision: string, pod: Pod) => boolean): void {
    const uids = new Set(ending.map(uidOf));
    for (const uid of this.#shortened) if (!uids.has(uid)) this.#shortened.delete(uid);
    for (const pod of ending) {
      if (!this.#shortened.has(uidOf(pod)) && isEmpty(revisionOf(pod), pod)) void this.#shorten(pod);
    }
  }

  async #shorten(pod: Pod): Promise<void> {
    const uid = uidOf(pod);
    this.#shortened.add(uid);
    try {
      await this.#client.delete(PODS, pod.metadata, { uid, gracePeriodSeconds: END_SECONDS });
    } catch (err) {
      this.#shortened.delete(uid);
      const level = isKubeError(err, 'KUBE_CONFLICT') ? 'debug' : 'warn';
      this.#log[level]({ err, pod: keyOf(pod.metadata) }, 'the end of an instance was not shortened');
    }
  }
}

/** Whether a pod is ending and has more time for that than the container contract says. */
export function endingLong({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined && (metadata.deletionGracePeriodSeconds ?? 0) > END_SECONDS;
}

export function uidOf({ metadata }: Pod): string {
  return metadata.uid ?? '';
}

function revisionOf({ metadata }: Pod): string {
  return keyOf({ namespace: metadata.namespace, name: metadata.labels?.[SERVING.revision] ?? '' });
}
