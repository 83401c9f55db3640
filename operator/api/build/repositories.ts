import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ApiContext } from '../context.ts';
import { ApiError } from '../errors.ts';
import { checkRegion } from '../server/region.ts';
import { buildScene } from './builds.ts';

type Texts = Readonly<Record<string, string | undefined>>;

/** Name of a repository (Artifact Registry, Name repositories). */
const NAME = /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;
const PATH = '/v1/projects/:project/locations/:location/repositories';

/**
 * Artifact Registry's repositories, as far as gcloud asks for them before a build: a repository is a part of the path in the
 * registry that stands for them, so every one is there and none need be created.
 */
export function repositories(app: FastifyInstance, context: ApiContext): void {
  app.get(`${PATH}/:name`, async (request) => shown(at(request, context), (request.params as Texts).name));
  app.post(PATH, async (request) => {
    const { name } = shown(at(request, context), (request.query as Texts).repositoryId);
    throw new ApiError('ALREADY_EXISTS', `Repository '${name}' already exists: every repository does.`);
  });
}

function at(request: FastifyRequest, context: ApiContext): string {
  const { project = '', location = '' } = request.params as Texts;
  checkRegion(request.host, location, context.config);
  buildScene(context, request.person, { project, location });
  return `projects/${project}/locations/${location}/repositories`;
}

function shown(parent: string, id = ''): { name: string } & object {
  const name = `${parent}/${id}`;
  if (NAME.test(id)) return { name, format: 'DOCKER', mode: 'STANDARD_REPOSITORY' } as { name: string };
  throw new ApiError('NOT_FOUND', `Repository '${name.slice(0, 300)}' does not exist.`);
}
