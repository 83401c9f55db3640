import type { Static } from 'typebox';
import { type KubeObject, namespaced } from '../../../kube/types.ts';
import type { WorkerPoolSpecSchema, WorkerPoolStatusSchema } from './schema.ts';

/** A worker pool as the API server returns it. */
export interface WorkerPool extends KubeObject {
  spec: Static<typeof WorkerPoolSpecSchema>;
  status?: Static<typeof WorkerPoolStatusSchema>;
}

/** An entry of `spec.instanceSplits` or `status.instanceSplits`. */
export type InstanceSplit = NonNullable<WorkerPool['spec']['instanceSplits']>[number];

/** Resource type of worker pools. */
export const WORKER_POOLS = namespaced<WorkerPool>('run.googleapis.com/v1', 'WorkerPool', 'workerpools');
