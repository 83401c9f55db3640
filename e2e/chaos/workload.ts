import { WORKER_POOLS } from '../../operator/apis/run/workerPool/types.ts';
import { SERVICES } from '../../operator/apis/serving/service/types.ts';
import type { KubeClient } from '../../operator/kube/client.ts';
import { NAMESPACES } from '../../operator/kube/core.ts';
import { freshNamespace, gatewayAddress, podsOf } from '../lib/cluster.ts';
import { podsOfPool, readyPool } from '../lib/pools.ts';
import { admitted, areReady, type Role } from '../lib/roles.ts';
import { readyService, type ServiceOptions } from '../lib/services.ts';
import { until } from '../lib/wait.ts';
import { Load } from './load.ts';
import { Observer } from './observer.ts';
import { Counting } from './tasks.ts';

const NAMESPACE = 'e2e-chaos';
const POOL = 'pool';
const POOL_SIZE = 2;
/** How many pods each role has: `make chaos` installs it so. */
const REPLICAS = { controller: 2, webhook: 2, gateway: 2, metadata: 2, api: 2, node: 1 } as const;
const small = { container: { resources: { limits: { cpu: '1', memory: '128Mi' } } } };
const scaled = (min: string, max: string) => ({
  ...small,
  annotations: {
    'autoscaling.knative.dev/minScale': min,
    'autoscaling.knative.dev/maxScale': max,
    'autoscaling.knative.dev/scale-to-zero-pod-retention-period': '5s',
  },
});

/** Services of the workload: what they are, the path that is asked for, and every how many milliseconds. */
const LOADED: Record<string, { options: ServiceOptions; path: string; everyMs: number }> = {
  steady: { options: scaled('2', '2'), path: '/', everyMs: 50 },
  slow: { options: scaled('1', '1'), path: '/sleep?ms=2000', everyMs: 400 },
  // From zero each time.
  sleepy: { options: scaled('0', '3'), path: '/', everyMs: 13_000 },
};
const LASTING = ['steady', 'slow'];

/** What runs while faults are injected: services under load, a job that is run again and again, and a worker pool. */
export class Workload {
  readonly observer: Observer;
  readonly counting: Counting;
  #load: Load | undefined;
  readonly #client: KubeClient;
  readonly #clock: () => number;

  constructor(client: KubeClient, clock: () => number) {
    this.#client = client;
    this.#clock = clock;
    this.observer = new Observer(client, {
      namespace: NAMESPACE,
      services: LASTING,
      pool: POOL,
      poolSize: POOL_SIZE,
    });
    this.counting = new Counting(client, NAMESPACE);
  }

  get load(): Load {
    if (!this.#load) throw new Error('the workload has not started');
    return this.#load;
  }

  get requests(): number {
    return this.load.sent;
  }

  get refused(): number {
    return this.load.refused;
  }

  get executions(): number {
    return this.counting.judged;
  }

  async start(): Promise<void> {
    const client = this.#client;
    await freshNamespace(client, NAMESPACE);
    this.#load = new Load(await gatewayAddress(client), this.#clock);
    await readyPool(client, NAMESPACE, POOL, { count: POOL_SIZE });
    for (const [service, { options, path, everyMs }] of Object.entries(LOADED)) {
      const { url } = await readyService(client, NAMESPACE, service, options);
      this.load.start({ service, url: `${url}${path}`, everyMs });
    }
    await this.counting.start();
    await this.observer.start();
    await until('everything to be as it should', async () => (await this.unsettled()).length === 0);
    this.observer.takePoolShortMs();
  }

  async stop(): Promise<void> {
    await this.counting.stop();
    await this.#load?.stop();
    this.observer.stop();
    await this.#client.delete(NAMESPACES, { name: NAMESPACE });
  }

  /** What is not as it should be at the moment, a line each. */
  async unsettled(): Promise<string[]> {
    const client = this.#client;
    const found = this.counting.overdue();
    for (const [role, count] of Object.entries(REPLICAS)) {
      const isReady = await areReady(client, role as Role, count);
      if (!isReady) found.push(`not all pods of the ${role} are ready`);
    }
    for (const type of [SERVICES, WORKER_POOLS] as const) {
      const { items } = await client.list(type as typeof SERVICES, { namespace: NAMESPACE });
      for (const { metadata, status } of items) {
        const wrong = status?.conditions?.find(({ type, status }) => type === 'Ready' && status !== 'True');
        if (wrong || status?.observedGeneration !== metadata.generation)
          found.push(`${metadata.name} is not ready: ${wrong?.message}`);
      }
    }
    const instances = await Promise.all([
      podsOf(client, NAMESPACE, 'steady'),
      podsOfPool(client, NAMESPACE, POOL),
    ]);
    for (const pods of instances)
      if (pods.length !== 2) found.push(`${pods.length} instances, where 2 should be`);
    await admitted(client);
    return found;
  }
}
