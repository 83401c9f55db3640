import { HOMERUN } from '../../annotations/homerun.ts';
import { validateAnnotations } from '../../annotations/validation.ts';
import { validateConnections } from '../../connectionRules.ts';
import { type FieldError, formatted, keyed } from '../../fieldError.ts';
import { adviseLabels, validateKeys, validateLabels } from '../../labelRules.ts';
import { validateName } from '../../serving/service/validation.ts';
import { validateExecutionSpec } from '../task/validation.ts';
import { MAX_NAME_AND_TOKEN, TOKEN } from './schema.ts';
import type { Job } from './types.ts';

const ANNOTATIONS = 'metadata.annotations';

/** Validates a job. */
export function validateJob(job: Job): FieldError[] {
  const { name, labels, annotations } = job.metadata;
  const { template, startExecutionToken, runExecutionToken } = job.spec;
  const context = {
    annotations: template.metadata?.annotations,
    annotationsPath: 'spec.template.metadata.annotations',
  };
  return [
    ...validateName(name),
    ...adviseLabels(labels, 'metadata.labels'),
    ...validateAnnotations('job', annotations, ANNOTATIONS),
    ...validateToken(annotations?.[HOMERUN.run], name, keyed(ANNOTATIONS, HOMERUN.run)),
    ...validateToken(startExecutionToken, name, 'spec.startExecutionToken'),
    ...validateToken(runExecutionToken, name, 'spec.runExecutionToken'),
    ...(startExecutionToken && runExecutionToken
      ? [{ path: 'spec.runExecutionToken', message: 'must not be set together with startExecutionToken' }]
      : []),
    ...validateLabels(template.metadata?.labels, 'spec.template.metadata.labels'),
    ...adviseLabels(template.metadata?.labels, 'spec.template.metadata.labels'),
    ...validateKeys(context.annotations, context.annotationsPath),
    ...validateAnnotations('executionTemplate', context.annotations, context.annotationsPath),
    ...validateConnections(context.annotations, context.annotationsPath),
    ...validateExecutionSpec(template.spec, context, 'spec.template.spec'),
  ];
}

/** A token is a name suffix (API reference, JobSpec: name and token have fewer than 63 characters). */
function validateToken(token: string | undefined, name: string, path: string): FieldError[] {
  if (!token) return [];
  const form = 'lowercase letters, digits and dashes, not starting or ending with a dash';
  const fits = name.length + token.length <= MAX_NAME_AND_TOKEN && new RegExp(TOKEN).test(token);
  if (fits) return [];
  const room = Math.max(0, MAX_NAME_AND_TOKEN - name.length);
  const message = `is ${formatted(token)} (${token.length} characters); it must have 1 to ${room} characters with this job name: ${form}`;
  return [{ path, value: token, message }];
}
