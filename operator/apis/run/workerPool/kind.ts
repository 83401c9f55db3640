import { SERVING } from '../../annotations/serving.ts';
import { defineKind } from '../../kind.ts';
import { MAX_NAME } from '../../names.ts';
import { REVISION_NAME_RULE } from '../../serving/revision/schema.ts';
import { templateWarnings } from '../../serving/revision/warnings.ts';
import { READY_COLUMNS } from '../../serving/statusSchema.ts';
import { defaultWorkerPool } from './defaults.ts';
import { WorkerPoolSpecSchema, WorkerPoolStatusSchema } from './schema.ts';
import { WORKER_POOLS, type WorkerPool } from './types.ts';
import { validateWorkerPool } from './validation.ts';

/** WorkerPool: a container image that works without being asked, in a fixed number of instances. */
export const WORKER_POOL = defineKind<WorkerPool>(WORKER_POOLS, {
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
  parts: ['spec.template', 'spec.instanceSplits', 'spec.manualInstanceCount'],
  status: WorkerPoolStatusSchema,
  rules: [REVISION_NAME_RULE],
  scale: {
    specReplicasPath: '.spec.manualInstanceCount',
    statusReplicasPath: '.status.instances',
    labelSelectorPath: '.status.selector',
  },
  authors: SERVING,
  effectKind: 'WorkerPool',
  healthCondition: 'Ready',
  default: defaultWorkerPool,
  validate: (object, previous, referenced) => validateWorkerPool(object, previous, referenced?.revisions),
  warnings: templateWarnings,
});
