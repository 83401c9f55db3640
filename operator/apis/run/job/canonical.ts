import { canonicalSpec } from '../../serving/revision/canonical.ts';
import type { ExecutionTemplate } from './types.ts';

/**
 * The template with quantities in the API server's canonical form, with a timeout that some clients write as a string as a
 * number, and without metadata that say nothing: two templates are equivalent when their canonical forms are equal.
 */
export function canonicalExecutionTemplate(template: ExecutionTemplate): ExecutionTemplate {
  const task = canonicalSpec(template.spec.template.spec);
  const { timeoutSeconds } = task;
  const timed = timeoutSeconds === undefined ? task : { ...task, timeoutSeconds: Number(timeoutSeconds) };
  const { metadata = {}, ...others } = template;
  return {
    ...others,
    ...(Object.keys(metadata).length > 0 ? { metadata } : {}),
    spec: { ...template.spec, template: { ...template.spec.template, spec: timed } },
  };
}
