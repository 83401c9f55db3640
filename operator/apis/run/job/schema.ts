import { Type } from 'typebox';
import { honouredOn } from '../../annotations/table.ts';
import { choice, int32, object, rules, text, textMap } from '../../schema.ts';
import { statusFields } from '../../serving/statusSchema.ts';
import { ExecutionTemplateSpecSchema } from '../task/schema.ts';

/** Name of a job and of a token together (API reference, JobSpec: fewer than 63 characters). */
export const MAX_NAME_AND_TOKEN = 62;

/** Pattern of the suffix after the name of a job and a dash. */
export const TOKEN = '^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$';

const TemplateMetadata = object('Metadata of the executions.', {
  name: text(63, 'Ignored: names of executions are generated.'),
  namespace: text(63, 'Ignored: an execution is in the namespace of its job.'),
  labels: textMap(200, 'Labels of the executions.'),
  annotations: textMap(
    200,
    `Annotations of the executions, all strings. Those with an effect: ${honouredOn('executionTemplate')}.`,
  ),
  creationTimestamp: text(64, 'Ignored.', { nullable: true }),
});

const token = (description: string) => text(MAX_NAME_AND_TOKEN, description, { pattern: TOKEN });

const TOKEN_USE =
  'A new token starts an execution named JOB-TOKEN, once per token. Name and token may have at most 62 characters in total.';

const ExecutionReference = object('The execution created last.', {
  name: text(253, 'Name of the execution.'),
  creationTimestamp: text(64, 'Creation time (RFC 3339).'),
  completionTimestamp: text(64, 'Completion time (RFC 3339).'),
  deletionTimestamp: text(64, 'Deletion time (RFC 3339).'),
  completionStatus: choice(
    [
      'COMPLETION_STATUS_UNSPECIFIED',
      'EXECUTION_SUCCEEDED',
      'EXECUTION_FAILED',
      'EXECUTION_RUNNING',
      'EXECUTION_PENDING',
      'EXECUTION_CANCELLED',
    ],
    'Status of the execution.',
  ),
});

/** `spec` of a job. */
export const JobSpecSchema = object(
  'Desired state.',
  {
    startExecutionToken: token(`${TOKEN_USE} The job becomes ready when the execution has started.`),
    runExecutionToken: token(`${TOKEN_USE} The job becomes ready when the execution has completed.`),
    template: object('Template of the executions.', {
      metadata: Type.Optional(TemplateMetadata),
      spec: ExecutionTemplateSpecSchema,
    }),
  },
  rules({
    rule: "!has(self.startExecutionToken) || !has(self.runExecutionToken) || self.startExecutionToken == '' || self.runExecutionToken == ''",
    message: 'only one of startExecutionToken and runExecutionToken may be set',
  }),
);

/** `status` of a job. */
export const JobStatusSchema = object('Observed state of the job.', {
  ...statusFields,
  executionCount: int32(0, 2 ** 31 - 1, 'Number of executions created for this job.'),
  latestCreatedExecution: Type.Optional(ExecutionReference),
});
