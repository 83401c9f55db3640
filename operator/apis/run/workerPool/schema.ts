import { Type } from 'typebox';
import { RUN } from '../../annotations/run.ts';
import { type CelRule, flag, int32, list, OPTIONAL_DNS_LABEL, rules, text } from '../../schema.ts';
import { WorkerPoolTemplateSchema } from '../../serving/revision/schema.ts';
import { latestRevisionFields, statusFields } from '../../serving/statusSchema.ts';

/** Maximum number of instances. */
export const MAX_INSTANCES = 2 ** 31 - 1;
/** Maximum number of splits of a pool. */
const MAX_SPLITS = 200;

const NAMED = "has(self.revisionName) && self.revisionName != ''";

const LATEST: CelRule = {
  rule: `!has(self.latestRevision) || self.latestRevision != (${NAMED})`,
  message: 'latestRevision must be false when revisionName is set and true when it is not',
  fieldPath: '.latestRevision',
};

const SUM: CelRule = {
  rule: 'self.size() == 0 || self.map(s, has(s.percent) ? s.percent : 0).sum() == 100',
  messageExpression:
    "'percents of all instance splits sum to %d; they must sum to 100'.format([self.map(s, has(s.percent) ? s.percent : 0).sum()])",
  message: 'percents of all instance splits must sum to 100',
};

const split = {
  revisionName: text(63, { description: 'Revision that the share belongs to.', pattern: OPTIONAL_DNS_LABEL }),
  latestRevision: flag('Whether the target is the latest ready revision; true unless revisionName is set.'),
  percent: int32(0, 100, { description: 'Percentage of the instances; 0 when unset.' }),
};

const instances = (description: string) => int32(0, MAX_INSTANCES, { description });

/** `spec` of a worker pool. */
export const WorkerPoolSpecSchema = Type.Object(
  {
    template: WorkerPoolTemplateSchema,
    instanceSplits: list(Type.Object(split, rules(LATEST)), MAX_SPLITS, {
      description:
        'How instances are split between revisions; all belong to the latest ready one when unset.',
      ...rules(SUM),
    }),
    manualInstanceCount: instances(
      `Desired number of instances of all revisions. Set from annotation ${RUN.manualInstanceCount} whenever that changes, and by kubectl scale and autoscalers; 1 by default.`,
    ),
  },
  { description: 'Desired state.' },
);

/** `status` of a worker pool. */
export const WorkerPoolStatusSchema = Type.Object(
  {
    ...statusFields,
    ...latestRevisionFields,
    instanceSplits: list(Type.Object(split), MAX_SPLITS, {
      description: 'Revisions and their shares of the instances.',
    }),
    instances: instances('Number of instances, whether they have started or not.'),
    readyInstances: instances('Number of instances that have started and are healthy.'),
    selector: text(253, { description: "Label selector of the instances' pods, for autoscalers." }),
  },
  { description: 'Observed state of the worker pool.' },
);
