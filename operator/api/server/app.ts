import type { IncomingMessage, ServerResponse } from 'node:http';
import fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import { createHttpServer } from '../../builtins.ts';
import { apiDuration } from '../../telemetry/metrics.ts';
import type { ApiContext, ApiPart } from '../context.ts';
import { ApiError, errorBody } from '../errors.ts';
import { jsonOf } from '../renderings.ts';
import { parseJson } from './json.ts';

/** Bytes of the longest body. The API server's own limit for an object is 3 MB, etcd's is 1.5 MB. */
export const MAX_BODY = 2 << 20;

export interface RestApp {
  /** Answers a request, over HTTP/1.1 or HTTP/2. */
  answer(request: IncomingMessage, response: ServerResponse): void;
  /** From now on answers ask to close their connection. */
  drain(): void;
  close(): Promise<void>;
}

/** The REST side of the Admin API, without a socket. */
export async function createApp(context: ApiContext, parts: readonly ApiPart[]): Promise<RestApp> {
  let handler: RestApp['answer'] = () => {};
  const app = fastify({
    bodyLimit: MAX_BODY,
    // Names of objects are longer than fastify's default for a parameter.
    routerOptions: { maxParamLength: 512, ignoreTrailingSlash: true },
    // The listener has sockets of its own and leads requests here.
    serverFactory: (answer) => {
      handler = answer as RestApp['answer'];
      return createHttpServer();
    },
    rewriteUrl: (request) => pathOf(request as IncomingMessage),
    frameworkErrors: (error, _request, reply) => void send(reply, failure(error, context)),
  });
  let draining = false;
  app.addHook('onRequest', async (request, reply) => {
    if (draining && request.raw.httpVersionMajor === 1) reply.header('connection', 'close');
    if (request.routeOptions.config.ownTokens) return;
    request.person = await context.authentication.personOf(request.headers.authorization);
  });
  app.addHook('onResponse', async ({ method }, reply) => {
    apiDuration.observe({ method, code: reply.statusCode }, reply.elapsedTime / 1000);
  });
  acceptJson(app);
  app.setReplySerializer(jsonOf);
  app.decorateRequest('person');
  for (const part of parts) part.routes?.(app, context);
  app.setNotFoundHandler((_request, reply) => send(reply, new ApiError('NOT_FOUND', 'Method not found.')));
  app.setErrorHandler((error, _request, reply) => send(reply, failure(error, context)));
  await app.ready();
  return {
    answer: (request, response) => handler(request, response),
    drain() {
      draining = true;
    },
    close: () => app.close(),
  };
}

/** Clients send no other bodies; one without content is none, whatever its type. */
function acceptJson(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  const parse = async (_request: FastifyRequest, body: Buffer) =>
    body.length === 0 ? undefined : parseJson(body);
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, parse);
  app.addContentTypeParser('*', { parseAs: 'buffer' }, async (_request: FastifyRequest, body: Buffer) => {
    if (body.length === 0) return undefined;
    throw new ApiError('INVALID_ARGUMENT', 'The body must be of the type application/json.');
  });
}

/**
 * The path of a request. One in absolute form, which clients send to a proxy, names the host too, whatever the header Host
 * says (RFC 9112, 3.2.2).
 */
function pathOf({ url = '/', headers }: IncomingMessage): string {
  const [absolute, host] = /^https?:\/\/([^/?#]*)/i.exec(url) ?? [];
  if (absolute === undefined) return url;
  headers.host = host;
  const path = url.slice(absolute.length);
  return path.startsWith('/') ? path : `/${path}`;
}

function send(reply: FastifyReply, error: ApiError): FastifyReply {
  if (error.code === 'UNAUTHENTICATED') {
    reply.header('www-authenticate', 'Bearer realm="https://accounts.google.com/"');
  }
  // Where a stream fails before its first byte these are of what was to be sent.
  reply.removeHeader('content-length').type('application/json; charset=utf-8');
  return reply.code(error.httpStatus).send(errorBody(error));
}

function failure(error: unknown, { log }: ApiContext): ApiError {
  if (error instanceof ApiError) return error;
  const { statusCode = 500, message } = error as FastifyError;
  // Of fastify: a body that is too long, a path that is not escaped correctly.
  if (statusCode >= 400 && statusCode < 500)
    return new ApiError('INVALID_ARGUMENT', message, { cause: error });
  log.error({ err: error }, 'a request failed');
  return new ApiError('INTERNAL', 'Internal error encountered.', { cause: error });
}
