import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { instanceId, SCOPES, serviceAccountEmail } from '../apis/identity.ts';
import type { Config } from '../config.ts';
import type { Pod } from '../kube/core.ts';
import { isKubeError } from '../kube/errors.ts';
import type { Logger } from '../telemetry/log.ts';
import { metadataRequests } from '../telemetry/metrics.ts';
import { CallerError, type Callers } from './callers.ts';
import { ExchangeError } from './exchange.ts';
import { type Issuer, NoAccessTokensError } from './issuer.ts';
import {
  type Facts,
  isPublic,
  isToken,
  type PathKind,
  type Resolution,
  resolveOuter,
  resolvePath,
  type TokenWanted,
} from './paths.ts';
import type { Projects } from './projects.ts';

export interface ServerOptions {
  config: Pick<Config, 'metadata' | 'serviceAccounts'>;
  callers: Pick<Callers, 'at' | 'certainlyAt'>;
  issuer: Pick<Issuer, 'identity' | 'access'>;
  projects: Pick<Projects, 'of'>;
  log: Logger;
  now?: () => number;
}

/** An answer before it is sent. */
interface Answer {
  kind: PathKind;
  status: number;
  type?: 'text' | 'json';
  body: string;
  location?: string;
}

/**
 * The metadata server, not yet listening (container contract, Instance metadata server). Who asks is known by the
 * connection's address alone: what a request says of itself proves nothing.
 */
export function createServer(options: ServerOptions): FastifyInstance {
  const { log } = options;
  // Above a second between requests and below a client's own time-out, an idle connection costs nothing.
  const app = fastify({ keepAliveTimeout: 60_000, maxParamLength: 8192, exposeHeadRoutes: true });
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers({
      'metadata-flavor': 'Google',
      server: 'Metadata Server for Serverless',
      'x-xss-protection': '0',
      'x-frame-options': 'SAMEORIGIN',
      'cache-control': 'no-store',
    });
  });
  app.get('/*', async (request, reply) => {
    const answer = await answerTo(request, options);
    return send(reply, answer);
  });
  app.setNotFoundHandler((_request, reply) =>
    send(reply, { kind: 'unknown', status: 405, body: 'only GET and HEAD are allowed' }),
  );
  app.setErrorHandler((error, _request, reply) => {
    const status = (error as { statusCode?: number }).statusCode ?? 500;
    if (status >= 500) log.error({ err: error }, 'a request failed');
    return send(reply, {
      kind: 'unknown',
      status,
      body: status < 500 ? (error as Error).message : 'internal error',
    });
  });
  return app;
}

function send(reply: FastifyReply, { kind, status, type, body, location }: Answer): FastifyReply {
  metadataRequests.inc({ path: kind, code: String(status) });
  if (location) reply.header('location', location);
  // Without a charset, as the real one: older clients compare the whole text.
  reply.header('content-type', type === 'json' ? 'application/json' : 'application/text');
  return reply.code(status).send(Buffer.from(body));
}

async function answerTo(request: FastifyRequest, options: ServerOptions): Promise<Answer> {
  const { pathname, searchParams } = new URL(request.raw.url ?? '/', 'http://metadata.google.internal');
  let path: string;
  try {
    path = decodeURIComponent(pathname);
  } catch {
    return { kind: 'unknown', status: 400, body: `${pathname} is not escaped as a path must be` };
  }
  const denial = deny(request, path);
  if (denial) return denial;
  try {
    return await answerCaller(path, searchParams, addressOf(request), options);
  } catch (error) {
    return failure(error, options.log);
  }
}

/** Requests that somebody else had a program send, not knowing the header, or that came through a proxy. */
function deny({ headers }: FastifyRequest, path: string): Answer | undefined {
  if (headers['x-forwarded-for'] !== undefined) {
    return {
      kind: 'unknown',
      status: 403,
      body: 'requests with the header X-Forwarded-For are not answered',
    };
  }
  if (isPublic(path) || headers['metadata-flavor'] === 'Google') return undefined;
  return { kind: 'unknown', status: 403, body: 'the header Metadata-Flavor: Google is missing' };
}

async function answerCaller(
  path: string,
  query: URLSearchParams,
  address: string,
  options: ServerOptions,
): Promise<Answer> {
  // What is the same for everybody: a client that looks for the server must not wait until it is known.
  const outer = resolveOuter(path, query);
  if (outer) return plain(outer);
  const resolution = resolvePath(path, query, await factsOf(await options.callers.at(address), options));
  if (!isToken(resolution)) return plain(resolution);
  // A token is worth stealing: the API server itself says once more who asks.
  const pod = await options.callers.certainlyAt(address);
  const facts = await factsOf(pod, options);
  const confirmed = resolvePath(path, query, facts);
  if (!isToken(confirmed)) return plain(confirmed);
  if (confirmed.kind === 'identity') {
    const { value } = await options.issuer.identity({ pod, audience: confirmed.audience });
    return { kind: 'identity', status: 200, body: value };
  }
  const { scopes } = confirmed;
  const { value, expiresAt } = await options.issuer.access({ pod, scopes, email: facts.email });
  const expires_in = Math.floor((expiresAt - (options.now ?? Date.now)()) / 1000);
  const body = JSON.stringify({ access_token: value, expires_in, token_type: 'Bearer' });
  return { kind: 'token', status: 200, type: 'json', body };
}

async function factsOf({ metadata, spec }: Pod, { config, projects }: ServerOptions): Promise<Facts> {
  const project = await projects.of(metadata.namespace ?? '');
  return {
    projectId: project.id,
    projectNumber: project.number,
    region: config.metadata.region,
    instanceId: instanceId(metadata.uid ?? ''),
    email: serviceAccountEmail(spec?.serviceAccountName || 'default', project, config),
    scopes: SCOPES,
  };
}

function plain(resolution: Exclude<Resolution, TokenWanted>): Answer {
  if ('message' in resolution) return { ...resolution, body: resolution.message };
  if ('location' in resolution) return { ...resolution, body: `${resolution.location}\n` };
  return resolution;
}

function failure(error: unknown, log: Logger): Answer {
  const answer = (status: number, body: string): Answer => ({ kind: 'unknown', status, body });
  if (error instanceof CallerError) return answer(error.code === 'CALLER_UNKNOWN' ? 403 : 503, error.message);
  if (error instanceof NoAccessTokensError) return { kind: 'token', status: 404, body: error.message };
  if (error instanceof ExchangeError) {
    log.warn({ err: error }, 'an access token could not be exchanged');
    // What cannot be granted to this identity will not be granted by asking again.
    return {
      kind: 'token',
      status: error.status === 400 || error.status === 403 ? 403 : 503,
      body: error.message,
    };
  }
  if (!isKubeError(error)) throw error;
  log.warn({ err: error }, 'the API server could not be asked');
  return answer(503, `the cluster's API server does not answer as it should: ${error.message}`);
}

/** The address of the connection; IPv4 as such also where the socket is of IPv6. */
function addressOf({ socket }: FastifyRequest): string {
  return (socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/, '');
}
