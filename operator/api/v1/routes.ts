import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ApiContext, ApiPart } from '../context.ts';
import { ApiError } from '../errors.ts';
import { rendered } from '../renderings.ts';
import { asAction } from '../resources/failure.ts';
import { readAndWrite } from '../resources/readAndWrite.ts';
import type { Resources } from '../resources/resources.ts';
import { checkVersion } from '../resources/version.ts';
import { checkRegion } from '../server/region.ts';
import { warningsOf } from '../server/warnings.ts';
import { JOB_VERBS } from './jobVerbs.ts';
import { type ServedKind, servedKind, TASKS } from './kinds.ts';
import { locationRoutes } from './locations.ts';
import { checkDeletion, isDryRun, pageOf, type RawQuery, text, wrong } from './query.ts';
import { getTask, listTasks } from './tasks.ts';
import { listOf, type Place, viewOf, writtenOf } from './view.ts';

type Params = Readonly<Record<string, string>>;

/** A request for a kind, or for one object of it. */
interface Call {
  context: ApiContext;
  request: FastifyRequest;
  resources: Resources;
  kind: ServedKind;
  place: Place;
  query: RawQuery;
  /** The last part of the path; undefined for lists and creations. */
  name?: string;
}

type Handler = (call: Call) => Promise<object>;

/** The two forms of a collection's path (Cloud Run Admin API v1). */
const COLLECTIONS = [
  '/apis/:group/:version/namespaces/:project/:plural',
  '/v1/projects/:project/locations/:location/:plural',
];

const METHODS = {
  collection: { GET: list, POST: create },
  object: { GET: get, PUT: replace, DELETE: remove },
} as const satisfies Record<string, Record<string, Handler>>;

/** The API v1 over REST: the same for all kinds, in both forms of paths. */
export const V1: ApiPart = {
  verbs: JOB_VERBS,
  routes(app, context) {
    for (const path of COLLECTIONS) {
      for (const [method, act] of Object.entries(METHODS.collection)) serve(app, context, method, path, act);
      for (const [method, act] of Object.entries(METHODS.object)) {
        serve(app, context, method, `${path}/:name`, act);
      }
      serve(app, context, 'POST', `${path}/:name`, notThere);
    }
    locationRoutes(app, context);
  },
};

function serve(app: FastifyInstance, context: ApiContext, method: string, url: string, act: Handler): void {
  app.route({
    method,
    url,
    handler: async (request, reply) => {
      const params = request.params as Params;
      const colon = (params.name ?? '').lastIndexOf(':');
      const call = callOf(context, request, reply, colon < 0 ? params.name : params.name?.slice(0, colon));
      if (colon < 0) return act(call);
      return actVerb(call, params.name?.slice(colon + 1) ?? '');
    },
  });
}

function callOf(
  context: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
  name: string | undefined,
): Call {
  const { group, version, project = '', location, plural = '' } = request.params as Params;
  const kind = servedKind(plural, group === undefined ? undefined : `${group}/${version}`);
  if (!kind) throw new ApiError('NOT_FOUND', 'Method not found.');
  const { region } = context.config.metadata;
  checkRegion(request.host, location, context.config);
  return {
    context,
    request,
    kind,
    name,
    place: { project, region },
    query: request.query as RawQuery,
    resources: context.resourcesOf(request.person, project, warningsOf(reply)),
  };
}

async function actVerb({ context, request, kind, resources, place, name = '' }: Call, verb: string) {
  const found = Object.hasOwn(context.verbs, verb) ? context.verbs[verb] : undefined;
  if (!found || found.method !== request.method || !found.on.includes(kind.type.plural)) return notThere();
  return found.act({ context, resources, kind, project: place.project, name, request });
}

async function notThere(): Promise<never> {
  throw new ApiError('NOT_FOUND', 'Method not found.');
}

async function list({ resources, kind: { type }, place, query }: Call): Promise<object> {
  const page = pageOf(query);
  const field = text(query, 'fieldSelector');
  if (field === 'multiRegionOnly') return listOf(type, [], undefined);
  if (field !== undefined) throw wrong('fieldSelector', field, 'left out');
  const found =
    type === TASKS ? await listTasks(resources, place.region, page) : await resources.list(type, page);
  const view = `v1 ${place.project} ${place.region}`;
  const items = found.items.map((item) => rendered(item, view, () => viewOf(item, place)));
  return listOf(type, items, found.continue);
}

async function get({ resources, kind: { type }, place, name = '' }: Call): Promise<object> {
  if (type === TASKS) return viewOf(await getTask(resources, place.region, name), place);
  return viewOf(await resources.get(type, name), place);
}

async function create({ resources, kind, place, query, request }: Call): Promise<object> {
  if (!kind.writes.includes('create')) return notThere();
  const written = writtenOf(request.body, kind.type, place);
  return viewOf(await resources.create(kind.type, written, { dryRun: isDryRun(query) }), place);
}

async function replace({ resources, kind, place, query, request, name }: Call): Promise<object> {
  if (!kind.writes.includes('replace')) return notThere();
  const written = writtenOf(request.body, kind.type, { ...place, name });
  const dryRun = isDryRun(query);
  const { metadata } = written;
  const { namespace } = resources;
  const action = { action: 'update', type: kind.type, namespace, name: metadata.name } as const;
  // A client that names no version replaces whatever is there, as on Cloud Run; the API server insists on one.
  const read = async () => {
    const stored = await asAction(action, () => resources.get(kind.type, metadata.name));
    checkVersion(stored, metadata.resourceVersion, 'metadata.resourceVersion');
    return stored;
  };
  const replaced = await readAndWrite(read, (stored) => {
    const { resourceVersion } = stored.metadata;
    const next = { ...written, metadata: { ...metadata, resourceVersion } };
    return resources.replace(kind.type, next, { dryRun, stored });
  });
  return viewOf(replaced, place);
}

async function remove({ resources, kind, query, name = '' }: Call): Promise<object> {
  if (!kind.writes.includes('delete')) return notThere();
  checkDeletion(query);
  await resources.delete(kind.type, name, { dryRun: isDryRun(query) });
  const details = { name, group: kind.type.apiVersion.split('/')[0], kind: kind.type.plural };
  return { apiVersion: 'v1', kind: 'Status', status: 'Success', details };
}
