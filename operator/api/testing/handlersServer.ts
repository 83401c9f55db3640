import type { AddressInfo } from 'node:net';
import Fastify from 'fastify';
import type { PolicyKind } from '../../apis/iam/bindings.ts';
import type { KubeClient } from '../../kube/client.ts';
import { ApiError, errorBody } from '../errors.ts';
import { getIamPolicy, setIamPolicy, testIamPermissions } from '../iam/handlers.ts';
import { isGcloud, listLogEntries } from '../logs/entries.ts';

/** A request as a client sent it. */
export interface Sent {
  method: string;
  /** Without scheme and host. */
  url: string;
  body?: unknown;
}

const PROJECT = '/:version(^v[13]$)/projects/:project';
const RESOURCE = '/:version(^v[12]$)/projects/:project/locations/:location/:kind/:name';

/** Policies and logs over REST, for what gcloud sends, without persons: `client` does everything. */
export async function serveHandlers(
  client: KubeClient,
): Promise<{ port: number; sent: Sent[]; close(): Promise<void> }> {
  const sent: Sent[] = [];
  // A client that uses it as its proxy sends the whole address.
  const app = Fastify({ rewriteUrl: ({ url = '/' }) => url.replace(/^http:\/\/[^/]+/, '') });
  app.setErrorHandler((error, _request, reply) => {
    const failure =
      error instanceof ApiError ? error : new ApiError('INTERNAL', String(error), { cause: error });
    return reply.code(failure.httpStatus).send(errorBody(failure));
  });
  app.addHook('preHandler', async ({ method, url, body }) => {
    sent.push({ method, url, ...(body ? { body } : {}) });
  });
  const act = (
    verb: string,
    kind: PolicyKind,
    project: string,
    name: string,
    body: object,
    query: object,
  ) => {
    const context = { namespace: project, projectIdTemplate: '{namespace}', serviceAccounts: {} };
    const call = { client, target: { kind, namespace: project, name }, context };
    const version = (query as Record<string, unknown>)['options.requestedPolicyVersion'];
    const { options } = body as { options?: object };
    if (verb === 'getIamPolicy') return getIamPolicy(call, { requestedPolicyVersion: version, ...options });
    if (verb === 'setIamPolicy') return setIamPolicy(call, body);
    if (verb === 'testIamPermissions') return testIamPermissions(call, body);
    throw new ApiError('NOT_FOUND', `There is no verb ${verb}.`);
  };
  const handle = async (request: { params: unknown; body: unknown; query: unknown }) => {
    const params = request.params as Record<'project' | 'kind' | 'name', string>;
    const last = params.name ?? params.project;
    const [name = '', verb = ''] = last.split(':');
    const project = params.name === undefined ? name : params.project;
    const kind = (params.kind ?? 'project') as PolicyKind;
    return act(verb, kind, project, name, (request.body ?? {}) as object, request.query as object);
  };
  for (const url of [PROJECT, RESOURCE]) app.route({ method: ['GET', 'POST'], url, handler: handle });
  app.post('/v2/entries::list', ({ body, headers, signal }) =>
    listLogEntries(
      {
        client,
        scopeOf: (project) => ({ namespace: project, projectId: project, location: 'local' }),
        signal,
        isGcloud: isGcloud(headers['user-agent']),
      },
      (body ?? {}) as object,
    ),
  );
  await app.listen({ host: '127.0.0.1', port: 0 });
  return { port: (app.server.address() as AddressInfo).port, sent, close: () => app.close() };
}
