import { MAX_NAME } from '../../names.ts';
import type { KindDefinition } from '../../schema.ts';
import { REVISION_NAME_RULE } from '../../serving/revision/schema.ts';
import { READY_COLUMNS } from '../../serving/statusSchema.ts';
import { WorkerPoolSpecSchema, WorkerPoolStatusSchema } from './schema.ts';

/** WorkerPool: a container image that works without being asked, in a fixed number of instances. */
export const WORKER_POOL: KindDefinition = {
  group: 'run.googleapis.com',
  version: 'v1',
  kind: 'WorkerPool',
  plural: 'workerpools',
  singular: 'workerpool',
  shortNames: ['wp'],
  categories: ['all', 'run'],
  description:
    'A container image that works without being asked, in a fixed number of instances, with its revisions and their shares of the instances.',
  columns: [
    { name: 'Instances', type: 'integer', jsonPath: '.spec.manualInstanceCount' },
    { name: 'Running', type: 'integer', jsonPath: '.status.readyInstances' },
    { name: 'Latest Ready', type: 'string', jsonPath: '.status.latestReadyRevisionName' },
    ...READY_COLUMNS,
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
  maxNameLength: MAX_NAME,
  spec: WorkerPoolSpecSchema,
  status: WorkerPoolStatusSchema,
  rules: [REVISION_NAME_RULE],
  scale: {
    specReplicasPath: '.spec.manualInstanceCount',
    statusReplicasPath: '.status.instances',
    labelSelectorPath: '.status.selector',
  },
};
