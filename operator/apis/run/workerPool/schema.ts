import { Type } from 'typebox';
import { RUN } from '../../annotations/run.ts';
import { type CelRule, flag, int32, list, OPTIONAL_DNS_LABEL, rules, text } from '../../schema.ts';
import { WorkerPoolTemplateSchema } from '../../serving/revision/schema.ts';
import { latestRevisionFields, statusFields } from '../../serving/statusSchema.ts';

/** Most instances that one number can ask for. */
export const MAX_INSTANCES = 2 ** 31 - 1;
/** Most splits of one pool. */
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
  revisionName: text(63, { description: 'Revision that gets the share.', pattern: OPTIONAL_DNS_LABEL }),
  latestRevision: flag(
    'Whether the share follows the latest ready revision; true unless revisionName is set.',
  ),
  percent: int32(0, 100, { description: 'Share of the instances in percent; 0 when unset.' }),
};

const instances = (description: string) => int32(0, MAX_INSTANCES, { description });

/** `spec` of a worker pool. */
export const WorkerPoolSpecSchema = Type.Object(
  {
    template: WorkerPoolTemplateSchema,
    instanceSplits: list(Type.Object(split, rules(LATEST)), MAX_SPLITS, {
      description:
        'Which revision gets which share of the instances; all to the latest ready one when unset.',
      ...rules(SUM),
    }),
    manualInstanceCount: instances(
      `Instances that run, over all revisions. Set from annotation ${RUN.manualInstanceCount} whenever that changes, and by kubectl scale and autoscalers; 1 when neither says anything.`,
    ),
  },
  { description: 'What is wanted.' },
);

/** `status` of a worker pool. */
export const WorkerPoolStatusSchema = Type.Object(
  {
    ...statusFields,
    ...latestRevisionFields,
    instanceSplits: list(Type.Object(split), MAX_SPLITS, {
      description: 'Revisions and the shares of the instances that they get.',
    }),
    instances: instances('Instances that there are, whether they have started or not.'),
    readyInstances: instances('Instances that have started and are healthy.'),
    selector: text(253, { description: 'Label selector of the pods of all instances, for autoscalers.' }),
  },
  { description: 'What is known of the worker pool.' },
);
