import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { formatted } from '../../apis/fieldError.ts';
import type { ApiContext, ApiPart } from '../context.ts';
import { ApiError, invalidFields } from '../errors.ts';
import { Turns } from '../logs/turns.ts';
import { checkRegion } from '../server/region.ts';
import { namespaceOfBucket } from '../storage/buckets.ts';
import { type BuildScene, buildScene, cancelBuild, getBuild, listBuilds, submitBuild } from './builds.ts';
import { readCreation } from './creation.ts';
import { readBuildLog } from './log.ts';
import { isBuildId, noBuild } from './names.ts';
import { repositories } from './repositories.ts';
import { type BuildView, buildOperation } from './view.ts';

type Texts = Readonly<Record<string, string | undefined>>;

/** Where builds of no region are, and those of a request that names none. */
const GLOBAL = 'global';
const PATHS = ['/v1/projects/:project/builds', '/v1/projects/:project/locations/:location/builds'] as const;
/** Each has a log in memory, which gcloud asks for every second. */
const LOGS = new Turns({ running: 8, waiting: 64, waitMs: 20_000 });
const PAGE = { default: 50, most: 1000 } as const;

/** Cloud Build (API v1, projects.builds and projects.locations.builds), and the repositories that images go to. */
export const BUILDS: ApiPart = {
  routes(app, context) {
    for (const path of PATHS) builds(app, context, path);
    repositories(app, context);
    logs(app, context);
    // In the form of Cloud Build's own account, which gcloud asks nothing more about.
    app.get('/v1/projects/:project/locations/:location/defaultServiceAccount', async (request) => {
      const { place, namespace } = sceneAt(request, context);
      const { project, location } = place;
      const { number } = await context.projects.of(namespace);
      return {
        name: `projects/${project}/locations/${location}/defaultServiceAccount`,
        serviceAccountEmail: `projects/${project}/serviceAccounts/${number}@cloudbuild.gserviceaccount.com`,
      };
    });
  },
};

/**
 * The operation of a build, which has the build's id.
 * @throws {ApiError} NOT_FOUND, PERMISSION_DENIED
 */
export async function operationOfBuild(
  request: FastifyRequest,
  context: ApiContext,
  id: string,
): Promise<object> {
  const scene = sceneAt(request, context);
  return buildOperation(await getBuild(scene, id), scene.place);
}

function builds(app: FastifyInstance, context: ApiContext, path: string): void {
  app.get(path, async (request) => {
    const { filter } = request.query as Texts;
    if (filter) {
      throw invalidFields([{ field: 'filter', description: 'is not supported: filter what is listed' }]);
    }
    return page(await listBuilds(sceneAt(request, context)), request.query as Texts);
  });
  app.post(path, async (request) => {
    const scene = sceneAt(request, context);
    const { namespace, place } = scene;
    const asked = readCreation(request.body, { namespace, bucket: place.bucket, config: context.config });
    return buildOperation(await submitBuild(scene, asked), place);
  });
  app.get(`${path}/:id`, async (request) => {
    const { id = '' } = request.params as Texts;
    if (!isBuildId(id)) throw noBuild(id);
    return getBuild(sceneAt(request, context), id);
  });
  app.post(`${path}/:id`, async (request) => {
    const [, id = '', verb] = /^(.*):(\w+)$/.exec((request.params as Texts).id ?? '') ?? [];
    if (verb !== 'cancel') throw new ApiError('NOT_FOUND', 'Method not found.');
    if (!isBuildId(id)) throw noBuild(id);
    return cancelBuild(sceneAt(request, context), id);
  });
}

/** The log as an object of the project's bucket: gcloud reads it on from the byte where it was (GET Object with Range). */
function logs(app: FastifyInstance, context: ApiContext): void {
  app.get('/:bucket/:object', async (request, reply) => {
    const { bucket = '', object = '' } = request.params as Texts;
    const [, id = ''] = /^log-(.*)\.txt$/.exec(object) ?? [];
    if (!isBuildId(id)) throw new ApiError('NOT_FOUND', 'Method not found.');
    const namespace = namespaceOfBucket(bucket, context.config);
    const scene = buildScene(context, request.person, { project: namespace, location: GLOBAL });
    const from = firstByte(request.headers.range);
    const read = () => readBuildLog(scene, id, from, request.signal);
    return sendLog(reply, await LOGS.run(request.signal, read), from);
  });
}

function sendLog(reply: FastifyReply, log: Buffer, from: number): FastifyReply {
  reply.header('content-type', 'text/plain; charset=utf-8').header('cache-control', 'no-store');
  if (from === 0) return reply.send(log);
  if (log.length === 0) return reply.code(416).send();
  const last = from + log.length - 1;
  return reply
    .code(206)
    .header('content-range', `bytes ${from}-${last}/${last + 1}`)
    .send(log);
}

/** Reads `bytes=FIRST-`; all of it for any other range (RFC 9110, Range: what is not understood is ignored). */
function firstByte(range: string | undefined): number {
  const [, first = '0'] = /^bytes=(\d{1,15})-$/.exec(range ?? '') ?? [];
  return Number(first);
}

function sceneAt(request: FastifyRequest, context: ApiContext): BuildScene {
  const { project = '', location = GLOBAL } = request.params as Texts;
  checkRegion(request.host, location === GLOBAL ? undefined : location, context.config);
  return buildScene(context, request.person, { project, location });
}

/** The token of a page is the build that it begins after. */
function page(all: readonly BuildView[], { pageSize = '', pageToken }: Texts): object {
  const size = pageSize === '' ? PAGE.default : Number(pageSize);
  if (!Number.isInteger(size) || size < 0) {
    const description = `is ${formatted(pageSize)}; it must be a whole number from 0 to ${PAGE.most}`;
    throw invalidFields([{ field: 'pageSize', description }]);
  }
  const start = pageToken ? all.findIndex(({ id }) => id === pageToken) + 1 : 0;
  const end = start + Math.min(size || PAGE.default, PAGE.most);
  const builds = all.slice(start, end);
  const last = builds.at(-1);
  return { builds, ...(last && end < all.length ? { nextPageToken: last.id } : {}) };
}
