import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ApiContext, ApiPart } from '../context.ts';
import { ApiError, invalidFields } from '../errors.ts';
import { namespaceOf } from '../projects.ts';
import { authorize, storeOf } from './access.ts';
import { bucketOf } from './buckets.ts';
import { sourcesOfInstances } from './instances.ts';
import type { StoredObject } from './store.ts';
import { uploads } from './uploads.ts';
import { bucketView, objectView } from './view.ts';

type Texts = Readonly<Record<string, string | undefined>>;

/** Objects of a page (Cloud Storage JSON API, Objects: list). */
const PAGE = 1000;

/**
 * What gcloud and client libraries need of Cloud Storage for the sources of deployments (Cloud Storage JSON API): the bucket of
 * each project, which is always there, and its objects.
 */
export const STORAGE: ApiPart = {
  routes(app, context) {
    buckets(app, context);
    objects(app, context);
    sourcesOfInstances(app, context);
    // Content of any type and length, which is not kept in memory.
    app.register(async (scope) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
      uploads(scope, context);
    });
  },
};

function buckets(app: FastifyInstance, context: ApiContext): void {
  const { config, projects } = context;
  const shown = async (bucket: string, request: FastifyRequest) => {
    const namespace = await authorize(context, request.person, bucket, 'storage.buckets.get');
    const { number } = await projects.of(namespace);
    return bucketView(bucket, number, config.metadata.region);
  };
  const ofProject = ({ query }: FastifyRequest) => {
    const { project = '' } = query as Texts;
    namespaceOf(project, config);
    return bucketOf(project, config);
  };
  app.get('/storage/v1/b/:bucket', async (request) => {
    storeOf(context);
    return shown((request.params as Texts).bucket ?? '', request);
  });
  app.get('/storage/v1/b', async (request) => {
    storeOf(context);
    const bucket = ofProject(request);
    const { prefix = '' } = request.query as Texts;
    const items = bucket.startsWith(prefix) ? [await shown(bucket, request)] : [];
    return { kind: 'storage#buckets', items };
  });
  app.post('/storage/v1/b', async (request) => {
    storeOf(context);
    const bucket = ofProject(request);
    const { name } = (request.body ?? {}) as { name?: unknown };
    if (name !== bucket) {
      throw invalidFields([
        { field: 'name', description: `must be ${bucket}: a project has one bucket, for its sources` },
      ]);
    }
    await shown(bucket, request);
    throw new ApiError('ALREADY_EXISTS', `Bucket '${bucket}' already exists: every project has its own.`);
  });
}

function objects(app: FastifyInstance, context: ApiContext): void {
  const path = '/storage/v1/b/:bucket/o';
  app.get(path, async ({ params, query, person }) => {
    const store = storeOf(context);
    const { bucket = '' } = params as Texts;
    await authorize(context, person, bucket, 'storage.objects.list');
    return page(await store.list(bucket), query as Texts);
  });
  const get = async ({ params, query, person }: FastifyRequest, reply: FastifyReply) => {
    const store = storeOf(context);
    const { bucket = '' } = params as Texts;
    await authorize(context, person, bucket, 'storage.objects.get');
    const object = found(params as Texts, await store.get(nameOf(params, query)));
    if ((query as Texts).alt !== 'media') return objectView(object);
    reply.header('content-type', object.contentType).header('content-length', object.size);
    reply.header('x-goog-generation', object.generation);
    return reply.send(store.read(object));
  };
  app.get(`${path}/:object`, get);
  app.get(`/download${path}/:object`, get);
  app.delete(`${path}/:object`, async ({ params, query, person }, reply) => {
    const store = storeOf(context);
    const { bucket = '' } = params as Texts;
    await authorize(context, person, bucket, 'storage.objects.delete');
    const name = nameOf(params, query);
    found(params as Texts, (await store.delete(name)) || undefined);
    return reply.code(204).send();
  });
}

function nameOf(params: unknown, query: unknown) {
  const { bucket = '', object = '' } = params as Texts;
  const { generation } = query as Texts;
  return { bucket, name: object, ...(generation === undefined ? {} : { generation }) };
}

function found<T>({ bucket, object }: Texts, value: T | undefined): T {
  if (value !== undefined) return value;
  throw new ApiError('NOT_FOUND', `No such object: ${bucket}/${object}`);
}

/** The token of a page is the name that it begins after. */
function page(all: readonly StoredObject[], { prefix = '', maxResults = '', pageToken }: Texts): object {
  const after = pageToken === undefined ? '' : Buffer.from(pageToken, 'base64url').toString();
  const size = Math.min(Number(maxResults) || PAGE, PAGE);
  const rest = all.filter(({ name }) => name.startsWith(prefix) && name > after);
  const items = rest.slice(0, size);
  const last = items.at(-1);
  const next =
    last && rest.length > size ? { nextPageToken: Buffer.from(last.name).toString('base64url') } : {};
  return { kind: 'storage#objects', items: items.map(objectView), ...next };
}
