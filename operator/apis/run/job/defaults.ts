import type { ObjectMeta } from '../../../kube/types.ts';
import { keepStored } from '../../keepStored.ts';
import { RUN } from '../../labels.ts';
import { defaultExecutionSpec } from '../task/defaults.ts';
import { canonicalExecutionTemplate } from './canonical.ts';
import type { ExecutionTemplate, Job } from './types.ts';

/** The template of a job's executions with its defaults set; `name` is the job's. */
export function defaultExecutionTemplate(template: ExecutionTemplate, name: string): ExecutionTemplate {
  return { ...template, spec: defaultExecutionSpec(template.spec, name) };
}

/** A job with its defaults set. Pure and idempotent. */
export function defaultJob(job: Job, previous?: Job): Job {
  const { spec, metadata } = job;
  const template = keepStored(
    spec.template,
    previous?.spec.template,
    (part) => defaultExecutionTemplate(part, metadata.name),
    previous,
    canonicalExecutionTemplate,
  );
  return { ...job, metadata: withoutServerLabels(metadata), spec: { ...spec, template } };
}

/** Exports have the time of the last change as a label, whose value Kubernetes rejects. */
function withoutServerLabels(metadata: ObjectMeta): ObjectMeta {
  if (metadata.labels?.[RUN.lastUpdatedTime] === undefined) return metadata;
  const { [RUN.lastUpdatedTime]: _, ...labels } = metadata.labels;
  return { ...metadata, labels };
}
