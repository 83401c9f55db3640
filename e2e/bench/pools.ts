import { conditionOf } from '../../operator/apis/condition.ts';
import { WORKER_POOLS, type WorkerPool } from '../../operator/apis/run/workerPool/types.ts';
import { DEPLOYMENTS } from '../../operator/kube/core.ts';
import { applyPool, helloPool } from '../lib/pools.ts';
import type { Samples } from './result.ts';
import { type Bench, bareDeployment, noPods, timed, Watches } from './watches.ts';

const INSTANCES = 3;

/** From applying a new worker pool to Ready, against applying a plain Deployment of as many replicas to its roll-out. */
export async function poolApplyToReady(bench: Bench): Promise<Samples> {
  const { client, namespace } = bench;
  const watches = new Watches(bench);
  const ours: number[] = [];
  const bare: number[] = [];
  for (let i = 0; i < bench.samples; i++) {
    const pool = helloPool(namespace, `pool-${i}`, { count: INSTANCES });
    const { name } = pool.metadata;
    const ready = watches.seen(watches.pools, name, isReady);
    ours.push(await timed(async () => void (await Promise.all([applyPool(client, pool), ready]))));
    await client.delete(WORKER_POOLS, { namespace, name });
    await noPods(bench);

    const deployment = bareDeployment(namespace, `rollout-${i}`, INSTANCES);
    const available = watches.seen(
      watches.deployments,
      deployment.metadata.name,
      ({ status }) => status?.availableReplicas === INSTANCES,
    );
    bare.push(
      await timed(async () => void (await Promise.all([client.create(DEPLOYMENTS, deployment), available]))),
    );
    await client.delete(DEPLOYMENTS, deployment.metadata, { propagationPolicy: 'Background' });
    await noPods(bench);
  }
  watches.stop();
  return { ours, bare };
}

function isReady({ metadata, status }: WorkerPool): boolean {
  return (
    status?.observedGeneration === metadata.generation &&
    conditionOf(status?.conditions, 'Ready')?.status === 'True'
  );
}
