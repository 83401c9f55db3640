import { RUN } from '../../annotations/run.ts';
import { defineKind } from '../../kind.ts';
import { MAX_NAME } from '../../names.ts';
import type { CelRule } from '../../schema.ts';
import { instanceWarnings } from '../../serving/instance/warnings.ts';
import { READY_COLUMNS } from '../../serving/statusSchema.ts';
import { defaultJob } from './defaults.ts';
import { JobSpecSchema, JobStatusSchema, MAX_NAME_AND_TOKEN } from './schema.ts';
import { JOBS, type Job } from './types.ts';
import { validateJob } from './validation.ts';

const withinName = (field: 'startExecutionToken' | 'runExecutionToken'): CelRule => ({
  rule: `!has(self.spec.${field}) || self.metadata.name.size() + self.spec.${field}.size() <= ${MAX_NAME_AND_TOKEN}`,
  message: `the name of the job and ${field} must have at most ${MAX_NAME_AND_TOKEN} characters together`,
  fieldPath: `.spec.${field}`,
});

/** Job: a container image that runs to its end, in tasks. It runs by its executions alone. */
export const JOB = defineKind<Job>(JOBS, {
  // `job` and `jobs` alone mean those of batch/v1, whichever short names are here.
  shortNames: ['rj', 'crjob'],
  categories: ['all', 'run'],
  description: 'A container image that runs to its end, in one task or many. Each execution runs it once.',
  columns: [
    { name: 'Tasks', type: 'integer', jsonPath: '.spec.template.spec.taskCount' },
    { name: 'Executions', type: 'integer', jsonPath: '.status.executionCount' },
    { name: 'Latest', type: 'string', jsonPath: '.status.latestCreatedExecution.name' },
    { name: 'Status', type: 'string', jsonPath: '.status.latestCreatedExecution.completionStatus' },
    { name: 'Last Run', type: 'date', jsonPath: '.status.latestCreatedExecution.creationTimestamp' },
    ...READY_COLUMNS,
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
  maxNameLength: MAX_NAME,
  spec: JobSpecSchema,
  parts: ['spec.template'],
  status: JobStatusSchema,
  rules: [withinName('startExecutionToken'), withinName('runExecutionToken')],
  authors: RUN,
  effectKind: 'Job',
  healthCondition: 'Ready',
  default: defaultJob,
  validate: validateJob,
  warnings: ({ spec }) =>
    instanceWarnings(spec.template.spec.template.spec, 'spec.template.spec.template.spec'),
});
