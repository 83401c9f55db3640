import type { FastifyRequest } from 'fastify';
import { parseDuration } from '../../apis/duration.ts';
import { formatted } from '../../apis/fieldError.ts';
import { isBuildId } from '../build/names.ts';
import { operationOfBuild } from '../build/part.ts';
import type { ApiPart } from '../context.ts';
import { ApiError, invalidFields } from '../errors.ts';
import { checkRegion } from '../server/region.ts';
import { viewOf } from '../v1/view.ts';
import { getOperation, listOperations, type Operation, waitForOperation } from './operations.ts';

/** How long a client waits that names no time, and the longest time that it may name. */
const WAIT_MS = 30_000;
const LONGEST_WAIT_MS = 120_000;
const PATH = '/v1/projects/:project/locations/:location/operations';

interface Place {
  project: string;
  region: string;
}

/** Operations over the API v1: what they give is an object of v1. */
export const OPERATIONS: ApiPart = {
  routes(app, context) {
    const { region } = context.config.metadata;
    const at = (request: FastifyRequest) => {
      const { project = '', location, id = '' } = request.params as Record<string, string | undefined>;
      checkRegion(request.host, location, context.config);
      const resources = context.resourcesOf(request.person, project);
      return { resources, id, place: { project, region } };
    };
    app.get(PATH, async (request) => {
      const { resources, place } = at(request);
      return { operations: (await listOperations(resources)).map((each) => shown(each, place)) };
    });
    app.get(`${PATH}/:id`, async (request) => {
      // Cloud Build's operations are asked for at the same path, of another host or of the one that clients are led to.
      const { id: asked = '' } = request.params as Record<string, string | undefined>;
      if (isBuildId(asked)) return operationOfBuild(request, context, asked);
      const { resources, id, place } = at(request);
      return shown(await getOperation(resources, id), place);
    });
    app.post(`${PATH}/:id`, async (request, reply) => {
      const { resources, id, place } = at(request);
      const [, operation, verb] = /^(.*):(\w+)$/.exec(id) ?? [];
      if (operation === undefined || verb !== 'wait') throw new ApiError('NOT_FOUND', 'Method not found.');
      const gone = new AbortController();
      reply.raw.once('close', () => gone.abort());
      return shown(await waitForOperation(resources, operation, waitMs(request.body), gone.signal), place);
    });
    // There is no record to delete: what is asked of it follows from the object.
    app.delete(`${PATH}/:id`, async (request) => {
      const { resources, id } = at(request);
      await getOperation(resources, id);
      return {};
    });
  },
};

/** An operation as the API v1 shows it. gcloud reads why an object is not ready from its conditions. */
function shown({ id, ref, done, object }: Operation, place: Place): object {
  const name = `projects/${place.project}/locations/${place.region}/operations/${id}`;
  if (!done) return { name, done };
  if (!object) return { name, done, response: { '@type': 'type.googleapis.com/google.protobuf.Empty' } };
  const type = `type.googleapis.com/google.cloud.run.v1.${ref.type.kind}`;
  return { name, done, response: { '@type': type, ...viewOf(object, place) } };
}

/** @throws {ApiError} INVALID_ARGUMENT for a timeout that is no duration. */
function waitMs(body: unknown): number {
  const { timeout } = (body ?? {}) as { timeout?: unknown };
  if (timeout === undefined) return WAIT_MS;
  const asked = typeof timeout === 'string' ? parseDuration(timeout) : undefined;
  if (asked !== undefined) return Math.min(asked, LONGEST_WAIT_MS);
  throw invalidFields([
    { field: 'timeout', description: `is ${formatted(timeout)}; it must be a duration such as "30s"` },
  ]);
}
