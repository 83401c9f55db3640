import { SERVING } from '../../operator/apis/labels.ts';
import type { KubeClient } from '../../operator/kube/client.ts';
import { DEPLOYMENTS, PODS } from '../../operator/kube/core.ts';
import { Informer } from '../../operator/kube/informer.ts';
import type { KubeObject } from '../../operator/kube/types.ts';
import { createLogger } from '../../operator/telemetry/log.ts';

/** A number of instances that was asked for, and when that was seen first (`performance.now()`). */
export interface Asked {
  readonly count: number;
  readonly at: number;
}

/** Keeps how many instances the services of a namespace ask for, and which ones they have had; each has one revision. */
export class InstanceWatch {
  readonly #asked = new Map<string, Asked[]>();
  readonly #pods = new Map<string, Set<string>>();
  readonly #stop = new AbortController();

  constructor(client: KubeClient, namespace: string) {
    const common = { client, namespace, labelSelector: SERVING.service, log: createLogger('test', 'fatal') };
    const deployments = new Informer({ ...common, type: DEPLOYMENTS });
    const pods = new Informer({ ...common, type: PODS });
    deployments.onChange(({ object }) => {
      const asked = this.asked(serviceOf(object));
      const count = object.spec?.replicas ?? 0;
      if (asked.at(-1)?.count === count) return;
      this.#asked.set(serviceOf(object), [...asked, { count, at: performance.now() }]);
    });
    pods.onChange(({ object }) => {
      this.#pods.set(serviceOf(object), this.pods(serviceOf(object)).add(object.metadata.uid ?? ''));
    });
    for (const informer of [deployments, pods]) void informer.run(this.#stop.signal);
  }

  /** The numbers that were asked for one after another. */
  asked(service: string): readonly Asked[] {
    return this.#asked.get(service) ?? [];
  }

  /** UIDs of all instances so far. */
  pods(service: string): Set<string> {
    return new Set(this.#pods.get(service));
  }

  stop(): void {
    this.#stop.abort();
  }
}

function serviceOf({ metadata }: KubeObject): string {
  return metadata.labels?.[SERVING.service] ?? '';
}
