import type { ResourceType, Typed } from '../../../kube/types.ts';
import type { IWorkerPool } from '../../models/run.googleapis.com/v1/WorkerPool.ts';

/** A worker pool as the API server returns it. */
export type WorkerPool = Typed<IWorkerPool>;

/** An entry of `spec.instanceSplits` or `status.instanceSplits`. */
export type InstanceSplit = NonNullable<WorkerPool['spec']['instanceSplits']>[number];

/** Where worker pools live in the API. */
export const WORKER_POOLS: ResourceType<WorkerPool> = {
  apiVersion: 'run.googleapis.com/v1',
  kind: 'WorkerPool',
  plural: 'workerpools',
  namespaced: true,
};
