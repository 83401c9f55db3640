import { RUN, SERVING } from '../../operator/apis/labels.ts';
import type { KubeClient } from '../../operator/kube/client.ts';
import { PODS, type Pod } from '../../operator/kube/core.ts';
import { Informer } from '../../operator/kube/informer.ts';
import { createLogger } from '../../operator/telemetry/log.ts';
import { SYSTEM_NAMESPACE } from '../lib/cluster.ts';
import type { Restart } from './record.ts';
import { restartsOf } from './scene.ts';

export interface Expectations {
  namespace: string;
  /** Services whose number of instances does not change. */
  services: readonly string[];
  pool: string;
  poolSize: number;
}

/** How often the containers of each pod had been started again, by the pod's UID. */
type Snapshot = ReadonlyMap<string, { name: string; restarts: number; isLasting: boolean; ended: string }>;

/** Watches the pods of the workload and of Homerun: what is started again, what is replaced, what is missing. */
export class Observer {
  readonly #pods: Informer<Pod>[];
  readonly #expected: Expectations;
  readonly #stop = new AbortController();
  #shortSince: number | undefined;
  #shortMs = 0;

  constructor(client: KubeClient, expected: Expectations) {
    this.#expected = expected;
    const common = { client, type: PODS, log: createLogger('chaos', 'fatal') };
    this.#pods = [expected.namespace, SYSTEM_NAMESPACE].map(
      (namespace) => new Informer<Pod>({ ...common, namespace }),
    );
  }

  async start(): Promise<void> {
    for (const informer of this.#pods) {
      informer.onChange(() => this.#countPool());
      void informer.run(this.#stop.signal);
    }
  }

  stop(): void {
    this.#stop.abort();
  }

  snapshot(): Snapshot {
    return new Map(
      this.#all().map((pod) => [
        pod.metadata.uid ?? '',
        {
          name: pod.metadata.name,
          restarts: restartsOf(pod),
          isLasting: this.#isLasting(pod),
          ended: lastEnd(pod),
        },
      ]),
    );
  }

  /** What was started again or replaced since a snapshot. */
  restartsSince(before: Snapshot): Restart[] {
    const now = this.snapshot();
    const found: Restart[] = [];
    for (const [uid, { name, restarts, isLasting }] of before) {
      const present = now.get(uid);
      if (!present && isLasting) found.push({ pod: name, what: 'pod replaced' });
      if (present && present.restarts > restarts)
        found.push({ pod: name, what: `container started again after ${present.ended}` });
    }
    return found;
  }

  /** For how long the pool had too few instances since the last call, in ms. */
  takePoolShortMs(): number {
    this.#countPool();
    const short = this.#shortMs;
    this.#shortMs = 0;
    return short;
  }

  #countPool(): void {
    const now = performance.now();
    if (this.#shortSince !== undefined) this.#shortMs += now - this.#shortSince;
    const running = this.#all().filter(
      (pod) => pod.metadata.labels?.[RUN.workerPool] === this.#expected.pool,
    );
    const isShort = running.filter(runs).length < this.#expected.poolSize;
    this.#shortSince = isShort ? now : undefined;
  }

  #all(): Pod[] {
    return this.#pods.flatMap(({ store }) => [...store.list()]);
  }

  /** Pods that only a fault replaces; an instance of a service that scales, or a task, goes by itself. */
  #isLasting({ metadata: { namespace, labels = {} } }: Pod): boolean {
    if (namespace === SYSTEM_NAMESPACE || labels[RUN.workerPool] === this.#expected.pool) return true;
    return this.#expected.services.includes(labels[SERVING.service] ?? '');
  }
}

/** How the containers of a pod ended before they were started again, as the kubelet says. */
function lastEnd({ status }: Pod): string {
  const ends = (status?.containerStatuses ?? []).flatMap(({ name, lastState }) => {
    const { reason, exitCode, finishedAt } = lastState?.terminated ?? {};
    return exitCode === undefined ? [] : `${name}: ${reason}, exit code ${exitCode}, at ${finishedAt}`;
  });
  return ends.join('; ');
}

function runs({ metadata, status }: Pod): boolean {
  return !metadata.deletionTimestamp && status?.phase === 'Running';
}
