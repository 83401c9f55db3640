import { canonicalSpec } from '../../serving/revision/canonical.ts';
import type { ExecutionTemplate } from './types.ts';

/**
 * The template with each quantity as the API server's own types write it, and the timeout, a 64-bit integer that some
 * clients write as a text, as a number: two templates mean the same when this form of them is the same.
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
