import { defaultExecutionSpec } from '../task/defaults.ts';
import type { ExecutionTemplate, Job } from './types.ts';

/** The executions that a job makes, with their defaults filled in; `name` is that of the job. */
export function defaultExecutionTemplate(template: ExecutionTemplate, name: string): ExecutionTemplate {
  return { ...template, spec: defaultExecutionSpec(template.spec, name) };
}

/** A job with its defaults filled in. Pure; applying it again changes nothing. */
export function defaultJob(job: Job): Job {
  const { spec, metadata } = job;
  return { ...job, spec: { ...spec, template: defaultExecutionTemplate(spec.template, metadata.name) } };
}
