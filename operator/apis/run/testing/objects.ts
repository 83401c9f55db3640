import { parse } from 'yaml';
import type { Execution } from '../execution/types.ts';
import type { Job } from '../job/types.ts';

const API = 'run.googleapis.com/v1';

/** A stored job called `load` from the YAML of `spec.template`; the smallest one by default. */
export function jobOf(template = '{}', metadata: Partial<Job['metadata']> = {}): Job {
  const { spec, ...rest } = parse(template);
  const task = { containers: [{ image: 'app' }], ...spec?.template?.spec };
  return {
    apiVersion: API,
    kind: 'Job',
    metadata: {
      name: 'load',
      namespace: 'demo',
      uid: 'job-uid',
      generation: 3,
      resourceVersion: '42',
      ...metadata,
    },
    spec: { template: { ...rest, spec: { ...spec, template: { spec: task } } } },
  } as Job;
}

/** An execution of it called `load-abcde` from YAML. */
export function executionOfYaml(yaml = '{}'): Execution {
  const { metadata, ...rest } = parse(yaml);
  return {
    apiVersion: API,
    kind: 'Execution',
    metadata: {
      name: 'load-abcde',
      namespace: 'demo',
      labels: { 'run.googleapis.com/job': 'load' },
      ...metadata,
    },
    ...rest,
  };
}
