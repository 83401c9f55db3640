import { RUN } from '../../operator/apis/labels.ts';
import { WORKER_POOLS, type WorkerPool } from '../../operator/apis/run/workerPool/types.ts';
import { REVISIONS } from '../../operator/apis/serving/revision/types.ts';
import type { KubeClient } from '../../operator/kube/client.ts';
import { PODS, type Pod } from '../../operator/kube/core.ts';
import { HELLO_IMAGE } from './services.ts';
import { until } from './wait.ts';

export interface PoolOptions {
  count?: number;
  env?: Record<string, string>;
  annotations?: Record<string, string>;
  /** Name of the revision. */
  revision?: string;
  splits?: WorkerPool['spec']['instanceSplits'];
}

/** A worker pool of the test program; its instances are small, so that ten of them fit. */
export function helloPool(namespace: string, name: string, options: PoolOptions = {}): WorkerPool {
  const { count, env = {}, annotations, revision, splits } = options;
  const number = count === undefined ? {} : { 'run.googleapis.com/manualInstanceCount': String(count) };
  return {
    apiVersion: WORKER_POOLS.apiVersion,
    kind: WORKER_POOLS.kind,
    metadata: { name, namespace, annotations: { ...number, ...annotations } },
    spec: {
      template: {
        metadata: { name: revision },
        spec: {
          containers: [
            {
              image: HELLO_IMAGE,
              env: Object.entries(env).map(([key, value]) => ({ name: key, value })),
              resources: { limits: { cpu: '200m', memory: '128Mi' } },
            },
          ],
        },
      },
      ...(splits ? { instanceSplits: splits } : {}),
    },
  } as WorkerPool;
}

/** Applies a pool as another tool would and gives it back as stored. */
export function applyPool(client: KubeClient, pool: WorkerPool): Promise<WorkerPool> {
  return client.apply(WORKER_POOLS, pool, { fieldManager: 'scenario' });
}

/** The pool once its Ready condition has the wanted status for its present generation. */
export function poolReady(
  client: KubeClient,
  namespace: string,
  name: string,
  { status = 'True', message = /^/, timeoutMs = 120_000 } = {},
): Promise<WorkerPool> {
  return until(
    `worker pool ${name} to have Ready=${status}`,
    async () => {
      const pool = await client.get(WORKER_POOLS, { namespace, name });
      if (pool?.status?.observedGeneration !== pool?.metadata.generation) return undefined;
      const ready = pool?.status?.conditions?.find(({ type }) => type === 'Ready');
      if (ready?.status === status && message.test(ready.message ?? '')) return pool;
      throw new Error(`Ready is ${ready?.status} (${ready?.reason}: ${ready?.message})`);
    },
    { timeoutMs },
  );
}

/** Applies a pool and waits until it is ready. */
export async function readyPool(
  client: KubeClient,
  namespace: string,
  name: string,
  options: PoolOptions = {},
): Promise<WorkerPool> {
  await applyPool(client, helloPool(namespace, name, options));
  return poolReady(client, namespace, name);
}

/** Names of a pool's revisions. */
export async function revisionsOfPool(
  client: KubeClient,
  namespace: string,
  name: string,
): Promise<string[]> {
  const { items } = await client.list(REVISIONS, { namespace, labelSelector: `${RUN.workerPool}=${name}` });
  return items.map(({ metadata }) => metadata.name).sort();
}

/** The pods of a pool that are not on their way out. */
export async function podsOfPool(client: KubeClient, namespace: string, name: string): Promise<Pod[]> {
  const { items } = await client.list(PODS, { namespace, labelSelector: `${RUN.workerPool}=${name}` });
  return items.filter(({ metadata }) => !metadata.deletionTimestamp);
}
