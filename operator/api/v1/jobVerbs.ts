import { HOMERUN } from '../../apis/annotations/homerun.ts';
import { formatted } from '../../apis/fieldError.ts';
import { RUN } from '../../apis/labels.ts';
import { EXECUTIONS, type Execution } from '../../apis/run/execution/types.ts';
import { JOBS } from '../../apis/run/job/types.ts';
import { asPermission } from '../authorization.ts';
import type { Verb } from '../context.ts';
import { ApiError, invalidFields } from '../errors.ts';
import { resourceName } from '../resources/failure.ts';
import type { Resources } from '../resources/resources.ts';
import { viewOf } from './view.ts';

/** Another change may come between reading and writing an execution. */
const CANCEL_TRIES = 5;

/**
 * Runs a job: makes an execution of it (Cloud Run Admin API v1, jobs.run).
 * @param overrides as in RunJobRequest.
 * @throws {ApiError} NOT_FOUND for a job that does not exist; INVALID_ARGUMENT for overrides that are not valid.
 */
export async function runJob(resources: Resources, job: string, overrides?: object): Promise<Execution> {
  const hasOverrides = overrides !== undefined && Object.keys(overrides).length > 0;
  const permission = hasOverrides ? 'run.jobs.runWithOverrides' : 'run.jobs.run';
  const resource = resourceName({ action: 'run', type: JOBS, namespace: resources.namespace, name: job });
  return asPermission(permission, resource, async () => {
    await resources.get(JOBS, job);
    const metadata = {
      generateName: `${job}-`,
      labels: { [RUN.job]: job },
      ...(hasOverrides ? { annotations: { [HOMERUN.overrides]: JSON.stringify(overrides) } } : {}),
    };
    return resources.create(EXECUTIONS, { metadata } as unknown as Partial<Execution>);
  });
}

/**
 * Stops an execution; one that is over is left as it is (Cloud Run Admin API v1, executions.cancel).
 * @throws {ApiError}
 */
export async function cancelExecution(resources: Resources, name: string): Promise<Execution> {
  const resource = resourceName({ action: 'cancel', type: EXECUTIONS, namespace: resources.namespace, name });
  return asPermission('run.executions.cancel', resource, async () => {
    for (let left = CANCEL_TRIES; ; left--) {
      const execution = await resources.get(EXECUTIONS, name);
      const { metadata } = execution;
      const annotations = { ...metadata.annotations, [HOMERUN.cancel]: 'true' };
      try {
        return await resources.replace(EXECUTIONS, { ...execution, metadata: { ...metadata, annotations } });
      } catch (error) {
        if (!(error instanceof ApiError) || error.code !== 'ABORTED' || left <= 1) throw error;
      }
    }
  });
}

/** The overrides of a request; undefined when it has none. */
function overridesIn(body: unknown): object | undefined {
  const { overrides, ...others } = (body ?? {}) as Record<string, unknown>;
  const [unknown] = Object.keys(others);
  if (unknown) throw invalidFields([{ field: unknown, description: 'there is no such field' }]);
  if (overrides === undefined) return undefined;
  if (typeof overrides === 'object' && overrides !== null && !Array.isArray(overrides)) return overrides;
  throw invalidFields([
    { field: 'overrides', description: `is ${formatted(overrides)}; it must be an object` },
  ]);
}

export const JOB_VERBS: Readonly<Record<string, Verb>> = {
  run: {
    method: 'POST',
    on: ['jobs'],
    async act({ resources, name, request, project, context }) {
      const execution = await runJob(resources, name, overridesIn(request.body));
      return viewOf(execution, { project, region: context.config.metadata.region });
    },
  },
  cancel: {
    method: 'POST',
    on: ['executions'],
    async act({ resources, name, project, context }) {
      const execution = await cancelExecution(resources, name);
      return viewOf(execution, { project, region: context.config.metadata.region });
    },
  },
};
