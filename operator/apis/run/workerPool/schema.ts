import { Type } from 'typebox';
import { RUN } from '../../annotations/run.ts';
import { int32, list, object, rules, text } from '../../schema.ts';
import { WorkerPoolTemplateSchema } from '../../serving/revision/schema.ts';
import { latestRevisionFields, statusFields } from '../../serving/statusSchema.ts';
import { LATEST_RULE, revisionFields, sumRule } from '../../serving/traffic/schema.ts';

/** Maximum number of instances. */
export const MAX_INSTANCES = 2 ** 31 - 1;
/** Maximum number of splits of a pool. */
const MAX_SPLITS = 200;

const split = {
  ...revisionFields,
  percent: int32(0, 100, 'Percentage of the instances; 0 when unset.'),
};

const instances = (description: string) => int32(0, MAX_INSTANCES, description);

/** `spec` of a worker pool. */
export const WorkerPoolSpecSchema = object('Desired state.', {
  template: WorkerPoolTemplateSchema,
  instanceSplits: list(
    Type.Object(split, rules(LATEST_RULE)),
    MAX_SPLITS,
    'How instances are split between revisions; all belong to the latest ready one when unset.',
    rules(sumRule('instance splits')),
  ),
  manualInstanceCount: instances(
    `Desired number of instances of all revisions. Set from annotation ${RUN.manualInstanceCount} whenever that changes, and by kubectl scale and autoscalers; 1 by default.`,
  ),
});

/** `status` of a worker pool. */
export const WorkerPoolStatusSchema = object('Observed state of the worker pool.', {
  ...statusFields,
  ...latestRevisionFields,
  instanceSplits: list(Type.Object(split), MAX_SPLITS, 'Revisions and their shares of the instances.'),
  instances: instances('Number of instances, whether they have started or not.'),
  readyInstances: instances('Number of instances that have started and are healthy.'),
  selector: text(253, "Label selector of the instances' pods, for autoscalers."),
});
