import { RUN as LABELS } from '../../labels.ts';
import { MAX_NAME } from '../../names.ts';
import type { KindDefinition } from '../../schema.ts';
import { ExecutionSpecSchema } from '../task/schema.ts';
import { ExecutionStatusSchema } from './schema.ts';

const COMPLETE =
  'has(oldSelf.spec) && has(oldSelf.spec.taskCount) && has(oldSelf.spec.template) && has(oldSelf.spec.template.spec) && has(oldSelf.spec.template.spec.containers) && has(oldSelf.spec.template.spec.maxRetries) && has(oldSelf.spec.template.spec.timeoutSeconds)';

const COMPLETED = ".status.conditions[?(@.type=='Completed')]";

/** Execution: one run of a job. */
export const EXECUTION: KindDefinition = {
  group: 'run.googleapis.com',
  version: 'v1',
  kind: 'Execution',
  plural: 'executions',
  singular: 'execution',
  shortNames: ['exec', 'crexec'],
  categories: ['all', 'run'],
  description: `One run of a job. Label ${LABELS.job} names the job; what the spec leaves out is as the job has it.`,
  columns: [
    { name: 'Job', type: 'string', jsonPath: ".metadata.labels['run\\.googleapis\\.com/job']" },
    { name: 'Tasks', type: 'integer', jsonPath: '.spec.taskCount' },
    { name: 'Running', type: 'integer', jsonPath: '.status.runningCount' },
    { name: 'Succeeded', type: 'integer', jsonPath: '.status.succeededCount' },
    { name: 'Failed', type: 'integer', jsonPath: '.status.failedCount' },
    { name: 'Completed', type: 'string', jsonPath: `${COMPLETED}.status` },
    { name: 'Reason', type: 'string', jsonPath: `${COMPLETED}.reason` },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
    { name: 'Duration', type: 'string', jsonPath: '.status.duration' },
  ],
  maxNameLength: MAX_NAME,
  spec: ExecutionSpecSchema,
  specOptional: true,
  status: ExecutionStatusSchema,
  rules: [
    {
      rule: `!(${COMPLETE}) || (has(self.spec) && self.spec == oldSelf.spec)`,
      message: 'an execution is immutable: run its job again',
      fieldPath: '.spec',
    },
  ],
};
