import type { KubeClient } from '../../../operator/kube/client.ts';
import { PODS, type Pod } from '../../../operator/kube/core.ts';
import { Informer } from '../../../operator/kube/informer.ts';
import { silent } from '../../../operator/testing/until.ts';

/** What comes of the containers of an image: an instance runs and a task succeeds, unless something else is said. */
export type Fate = 'runs' | 'waits' | 'fails' | 'missing';

/** In the place of nodes: gives each pod the status that follows from its image. */
export class Nodes {
  readonly #client: KubeClient;
  readonly #pods: Informer<Pod>;
  readonly #fates = new Map<string, Fate>();
  readonly #stop = new AbortController();
  readonly #running: Promise<unknown>;

  constructor(client: KubeClient) {
    this.#client = client;
    this.#pods = new Informer({ client, log: silent, type: PODS });
    this.#pods.onChange(({ type, object }) => {
      if (type !== 'deleted') this.#start(object);
    });
    this.#running = this.#pods.run(this.#stop.signal);
  }

  /** From now on; it starts the pods that wait, and changes none that has started. */
  set(image: string, fate: Fate): void {
    this.#fates.set(image, fate);
    for (const pod of this.#pods.store.list()) this.#start(pod);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  #start(pod: Pod): void {
    const fate = this.#fates.get(pod.spec?.containers[0]?.image ?? '') ?? 'runs';
    if (fate === 'waits' || pod.status?.containerStatuses || pod.metadata.deletionTimestamp) return;
    const body = { status: statusOf(pod, fate) };
    // It may have been deleted meanwhile.
    this.#client.mergePatch(PODS, pod.metadata, body, { subresource: 'status' }).catch(() => undefined);
  }
}

function statusOf({ spec }: Pod, fate: Fate): object {
  const at = new Date().toISOString();
  const isTask = spec?.restartPolicy !== 'Always';
  const exit = (exitCode: number) => ({ terminated: { exitCode, startedAt: at, finishedAt: at } });
  const [phase, ready, stateOf] = {
    runs: isTask
      ? (['Succeeded', false, () => exit(0)] as const)
      : (['Running', true, () => ({ running: { startedAt: at } })] as const),
    fails: ['Failed', false, () => exit(1)] as const,
    missing: ['Pending', false, notFound] as const,
  }[fate as Exclude<Fate, 'waits'>];
  const containerStatuses = spec?.containers.map(({ name, image = '' }) => ({
    name,
    image,
    imageID: '',
    restartCount: 0,
    ready,
    started: ready,
    state: stateOf(image),
  }));
  const conditions = [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: at }];
  return { phase, startTime: at, conditions, containerStatuses };
}

/** In containerd's words. */
function notFound(image: string): object {
  const message = `failed to pull and unpack image "${image}": failed to resolve reference "${image}": ${image}: not found`;
  return { waiting: { reason: 'ErrImagePull', message } };
}
