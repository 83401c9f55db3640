import { parse } from 'yaml';
import type { Job } from './types.ts';

/** YAML that is added to the smallest valid job, and the expected errors. */
export interface Case {
  metadata?: string;
  /** `spec` */
  spec?: string;
  /** `spec.template.metadata` */
  template?: string;
  /** `spec.template.spec` */
  execution?: string;
  /** `spec.template.spec.template.spec` */
  task?: string;
  /** The first container. */
  container?: string;
  /** The containers after the first one. */
  more?: string;
  errors?: [path: string, message: RegExp][];
  /** Whether only strict mode rejects it. */
  strict?: true;
  /** Whether it is only a warning in strict mode too. */
  advice?: true;
  reason: string;
}

/** Paths of most errors. */
export const EXECUTION = 'spec.template.spec';
export const TASK = `${EXECUTION}.template.spec`;
export const CONTAINER = `${TASK}.containers[0]`;
export const ANNOTATIONS = 'metadata.annotations';

/** The first container, `main`, waits for the second, `side`. */
export const SIDECAR = `{annotations: {run.googleapis.com/container-dependencies: '{"main":["side"]}'}}`;

/** The smallest valid job with the parts of a case in it. */
export function jobOf(parts: Omit<Case, 'reason'>): Job {
  const container = { image: 'gcr.io/p/app', ...parse(parts.container ?? '{}') };
  const task = { containers: [container, ...parse(parts.more ?? '[]')], ...parse(parts.task ?? '{}') };
  const spec = { ...parse(parts.execution ?? '{}'), template: { spec: task } };
  const template = { ...(parts.template ? { metadata: parse(parts.template) } : {}), spec };
  return {
    apiVersion: 'run.googleapis.com/v1',
    kind: 'Job',
    metadata: { name: 'load', namespace: 'demo', ...parse(parts.metadata ?? '{}') },
    spec: { ...parse(parts.spec ?? '{}'), template },
  } as Job;
}
