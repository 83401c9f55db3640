import type { ResourceType, Typed } from '../../../kube/types.ts';
import type { IJob } from '../../models/run.googleapis.com/v1/Job.ts';

/** A job as the API server returns it. */
export type Job = Typed<IJob>;

/** `spec.template` of a job: the executions that it makes. */
export type ExecutionTemplate = Job['spec']['template'];

/** Where jobs live in the API. */
export const JOBS: ResourceType<Job> = {
  apiVersion: 'run.googleapis.com/v1',
  kind: 'Job',
  plural: 'jobs',
  namespaced: true,
};
