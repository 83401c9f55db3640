import { HOMERUN } from '../../apis/annotations/homerun.ts';
import { RUN as RUN_ANNOTATIONS } from '../../apis/annotations/run.ts';
import { formatted } from '../../apis/fieldError.ts';
import { RUN } from '../../apis/labels.ts';
import { EXECUTIONS, type Execution } from '../../apis/run/execution/types.ts';
import { JOBS, type Job } from '../../apis/run/job/types.ts';
import type { Permission } from '../../rbac.ts';
import { isMissingPermission, permissionDenied } from '../authorization.ts';
import type { ApiContext, Verb } from '../context.ts';
import { invalidFields } from '../errors.ts';
import { hasPermission } from '../iam/handlers.ts';
import { asAction, resourceName, withPermission } from '../resources/failure.ts';
import { KubeResources } from '../resources/kubeResources.ts';
import { readAndWrite } from '../resources/readAndWrite.ts';
import type { Resources } from '../resources/resources.ts';
import { viewOf } from './view.ts';

/** To run a job for a person who may run it, and may not make executions, which say themselves what runs. */
export const runPermissions: readonly Permission[] = [
  { apiGroups: ['run.googleapis.com'], resources: ['jobs'], verbs: ['get'] },
  { apiGroups: ['run.googleapis.com'], resources: ['executions'], verbs: ['create'] },
];

/** What of a request to run a job is not its name. */
export interface RunOptions {
  /** As in RunJobRequest. */
  overrides?: object;
  dryRun?: boolean;
  /** Throws what is wrong with the job for this request. */
  check?: (job: Job) => void;
}

/**
 * Runs a job: makes an execution of it (Cloud Run Admin API v1, jobs.run). Who may not make executions needs the permission
 * to run this job, and Homerun makes the execution.
 * @throws {ApiError} NOT_FOUND for a job that does not exist; INVALID_ARGUMENT for overrides that are not valid;
 * PERMISSION_DENIED that names run.jobs.run, or run.jobs.runWithOverrides for a request with overrides.
 */
export async function runJob(
  context: Pick<ApiContext, 'client' | 'clientOf' | 'config'>,
  resources: Resources,
  job: string,
  options: RunOptions = {},
): Promise<Execution> {
  const { namespace, person } = resources;
  try {
    return await makeExecution(resources, job, options);
  } catch (error) {
    if (!isMissingPermission(error)) throw error;
    const permission = hasOverrides(options) ? 'run.jobs.runWithOverrides' : 'run.jobs.run';
    const resource = resourceName({ action: 'run', type: JOBS, namespace, name: job });
    const call = {
      client: context.clientOf(person),
      target: { kind: 'jobs', namespace, name: job },
    } as const;
    const isGranted = await withPermission(permission, resource, () => hasPermission(call, permission));
    if (!isGranted) throw permissionDenied(permission, resource, error);
    const homerun = new KubeResources(context.client, person, namespace, context.config);
    return makeExecution(homerun, job, options, { [RUN_ANNOTATIONS.creator]: person.name });
  }
}

function hasOverrides({ overrides = {} }: RunOptions): boolean {
  return Object.keys(overrides).length > 0;
}

async function makeExecution(
  resources: Resources,
  job: string,
  options: RunOptions,
  authors: Record<string, string> = {},
): Promise<Execution> {
  const found = await resources.get(JOBS, job);
  options.check?.(found);
  const overrides = hasOverrides(options) ? { [HOMERUN.overrides]: JSON.stringify(options.overrides) } : {};
  const metadata = {
    generateName: `${job}-`,
    labels: { [RUN.job]: job },
    annotations: { ...authors, ...overrides },
  };
  return resources.create(EXECUTIONS, { metadata } as unknown as Partial<Execution>, options);
}

/**
 * Stops an execution; one that is over is left as it is (Cloud Run Admin API v1, executions.cancel).
 * @throws {ApiError}
 */
export async function cancelExecution(resources: Resources, name: string): Promise<Execution> {
  const attempt = { action: 'cancel', type: EXECUTIONS, namespace: resources.namespace, name } as const;
  const read = () => resources.get(EXECUTIONS, name);
  const write = (execution: Execution) => {
    const { metadata } = execution;
    const annotations = { ...metadata.annotations, [HOMERUN.cancel]: 'true' };
    return resources.replace(EXECUTIONS, { ...execution, metadata: { ...metadata, annotations } });
  };
  return asAction(attempt, () => readAndWrite(read, write));
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
      const execution = await runJob(context, resources, name, { overrides: overridesIn(request.body) });
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
