import { canonicalSpec } from '../../serving/revision/canonical.ts';
import type { ExecutionTemplate } from './types.ts';

/**
 * The template with quantities in the API server's canonical form, and with a timeout that some clients write as a
 * string as a number: two templates are equivalent when their canonical forms are equal.
 */
export function canonicalExecutionTemplate(template: ExecutionTemplate): ExecutionTemplate {
  const task = canonicalSpec(template.spec.template.spec);
  const { timeoutSeconds } = task;
  const timed = timeoutSeconds === undefined ? task : { ...task, timeoutSeconds: Number(timeoutSeconds) };
  return {
    ...template,
    spec: { ...template.spec, template: { ...template.spec.template, spec: timed } },
  };
}
