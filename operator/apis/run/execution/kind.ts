import { RUN } from '../../annotations/run.ts';
import { defineKind } from '../../kind.ts';
import { RUN as LABELS } from '../../labels.ts';
import { MAX_NAME } from '../../names.ts';
import { instanceWarnings } from '../../serving/instance/warnings.ts';
import { ExecutionSpecSchema } from '../task/schema.ts';
import { defaultExecution } from './defaults.ts';
import { ExecutionStatusSchema } from './schema.ts';
import { EXECUTIONS, type Execution } from './types.ts';
import { validateExecution } from './validation.ts';

const COMPLETE =
  'has(oldSelf.spec) && has(oldSelf.spec.taskCount) && has(oldSelf.spec.template) && has(oldSelf.spec.template.spec) && has(oldSelf.spec.template.spec.containers) && has(oldSelf.spec.template.spec.maxRetries) && has(oldSelf.spec.template.spec.timeoutSeconds)';

const COMPLETED = ".status.conditions[?(@.type=='Completed')]";

/** Execution: one run of a job. */
export const EXECUTION = defineKind<Execution>(EXECUTIONS, {
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
  parts: ['spec.template'],
  status: ExecutionStatusSchema,
  rules: [
    {
      rule: `!(${COMPLETE}) || (has(self.spec) && self.spec == oldSelf.spec)`,
      message: 'an execution is immutable: run its job again',
      fieldPath: '.spec',
    },
  ],
  authors: RUN,
  effectKind: 'Job',
  healthCondition: 'Completed',
  default: defaultExecution,
  validate: (object, previous, referenced) => validateExecution(object, previous, referenced?.job),
  warnings: ({ spec }) => instanceWarnings(spec?.template?.spec, 'spec.template.spec'),
});
