import type { FastifyInstance } from 'fastify';
import type { ApiContext, ApiPart } from '../context.ts';
import { ApiError } from '../errors.ts';

type Params = Readonly<Record<string, string>>;

/** APIs of Google that a cluster has something to answer for. */
const ENABLED: ReadonlySet<string> = new Set([
  'artifactregistry.googleapis.com',
  'cloudbuild.googleapis.com',
  'cloudresourcemanager.googleapis.com',
  'iam.googleapis.com',
  'logging.googleapis.com',
  'run.googleapis.com',
  'serviceusage.googleapis.com',
  'storage.googleapis.com',
]);

/** Which APIs a project has (Service Usage API v1): those that a cluster answers for, always, and no others. */
export const SERVICE_USAGE: ApiPart = {
  routes(app, context) {
    const path = '/v1/projects/:project/services';
    app.get(path, async ({ params, person }) => {
      const project = projectOf(params, person, context);
      return { services: [...ENABLED].map((name) => shown(project, name)) };
    });
    app.get(`${path}/:name`, async ({ params, person }) => {
      return shown(projectOf(params, person, context), (params as Params).name ?? '');
    });
    enabling(app, context, path);
  },
};

function enabling(app: FastifyInstance, context: ApiContext, path: string): void {
  app.post(`${path}/:name`, async ({ params, person }) => {
    const project = projectOf(params, person, context);
    const [, name = '', verb] = /^(.*):(\w+)$/.exec((params as Params).name ?? '') ?? [];
    if (verb === 'enable') return enabled(project, [name]);
    if (verb !== 'disable') throw new ApiError('NOT_FOUND', 'Method not found.');
    throw new ApiError(
      'FAILED_PRECONDITION',
      `${name} cannot be disabled: it is part of the cluster's Homerun.`,
    );
  });
  app.post('/v1/projects/:project/services::batchEnable', async ({ params, person, body }) => {
    const { serviceIds = [] } = (body ?? {}) as { serviceIds?: unknown };
    const names = Array.isArray(serviceIds) ? serviceIds.map(String) : [];
    return enabled(projectOf(params, person, context), names);
  });
}

/** @throws {ApiError} FAILED_PRECONDITION for an API that a cluster does not have. */
function enabled(project: string, names: readonly string[]): object {
  const missing = names.find((name) => !ENABLED.has(name));
  if (missing !== undefined) {
    throw new ApiError('FAILED_PRECONDITION', `${missing} is not available on this cluster.`);
  }
  const response = {
    '@type': 'type.googleapis.com/google.api.serviceusage.v1.BatchEnableServicesResponse',
    services: names.map((name) => shown(project, name)),
  };
  return { name: 'operations/noop.DONE_OPERATION', done: true, response };
}

function shown(project: string, name: string): object {
  const parent = `projects/${project}`;
  const state = ENABLED.has(name) ? 'ENABLED' : 'DISABLED';
  return { name: `${parent}/services/${name}`, parent, config: { name }, state };
}

function projectOf(
  params: unknown,
  person: Parameters<ApiContext['resourcesOf']>[0],
  context: ApiContext,
): string {
  const { project = '' } = params as Params;
  context.resourcesOf(person, project);
  return project;
}
