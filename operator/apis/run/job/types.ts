import type { Static } from 'typebox';
import { type KubeObject, namespaced } from '../../../kube/types.ts';
import type { JobSpecSchema, JobStatusSchema } from './schema.ts';

/** A job as the API server returns it. */
export interface Job extends KubeObject {
  spec: Static<typeof JobSpecSchema>;
  status?: Static<typeof JobStatusSchema>;
}

/** `spec.template` of a job: the template of its executions. */
export type ExecutionTemplate = Job['spec']['template'];

/** Resource type of jobs. */
export const JOBS = namespaced<Job>('run.googleapis.com/v1', 'Job', 'jobs');
