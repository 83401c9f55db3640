import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { instanceId, SCOPES, serviceAccountEmail } from '../apis/identity.ts';
import type { Pod } from '../kube/core.ts';
import { isKubeError } from '../kube/errors.ts';
import type { RoleConfig } from '../roles.ts';
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
  config: Pick<RoleConfig<'metadata'>, 'metadata' | 'serviceAccounts'>;
  callers: Pick<Callers, 'at' | 'certainlyAt'>;
  issuer: Pick<Issuer, 'identity' | 'access'>;
  projects: Pick<Projects, 'of'>;
  log: Logger;
  now?: () => number;
}

/** A response before it is sent. */
interface Answer {
  kind: PathKind;
  status: number;
  type?: 'text' | 'json';
  body: string;
  location?: string;
}

/** Client libraries send requests minutes apart, and an idle connection costs next to nothing. */
const KEEP_ALIVE_MS = 60_000;

/**
 * The metadata server, not yet listening (container contract, Instance metadata server). Callers are identified by
 * the connection's address alone: nothing in a request proves its sender.
 */
export function createMetadataServer(options: ServerOptions): Server {
  return createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    answerTo(request, options)
      .then((answer) => send(request, response, answer))
      .catch((err: unknown) => {
        options.log.error({ err }, 'a request failed');
        if (response.headersSent) response.destroy();
        else send(request, response, { kind: 'unknown', status: 500, body: 'internal error' });
      });
  });
}

function send(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  const { kind, status, type, body, location } = answer;
  metadataRequests.inc({ path: kind, code: String(status) });
  response.writeHead(status, {
    'metadata-flavor': 'Google',
    server: 'Metadata Server for Serverless',
    // Without a charset, as the real one: older clients compare the whole text.
    'content-type': type === 'json' ? 'application/json' : 'application/text',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-frame-options': 'SAMEORIGIN',
    'x-xss-protection': '0',
    ...(location === undefined ? {} : { location }),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

async function answerTo(request: IncomingMessage, options: ServerOptions): Promise<Answer> {
  const { method, url = '/' } = request;
  if (method !== 'GET' && method !== 'HEAD')
    return reject(405, `${method} is not allowed, only GET and HEAD`);
  const target = parseTarget(url);
  if (!target) return reject(400, `${url.slice(0, 200)} is no path`);
  const denial = deny(request, target.path);
  if (denial) return reject(403, denial);
  try {
    return await answerCaller(target.path, target.query, addressOf(request), options);
  } catch (error) {
    return failure(error, options.log);
  }
}

/** The decoded path and the query; undefined when they are not escaped correctly. */
function parseTarget(url: string): { path: string; query: URLSearchParams } | undefined {
  try {
    const { pathname, searchParams } = new URL(url, 'http://metadata.google.internal');
    return { path: decodeURIComponent(pathname), query: searchParams };
  } catch {
    return undefined;
  }
}

/** Why a request is denied: one that lacks the header may be forged (SSRF), and one with X-Forwarded-For was proxied. */
function deny({ headers }: IncomingMessage, path: string): string | undefined {
  if (headers['x-forwarded-for'] !== undefined) {
    return 'requests with the header X-Forwarded-For are not answered';
  }
  if (isPublic(path) || headers['metadata-flavor'] === 'Google') return undefined;
  return 'the header Metadata-Flavor: Google is missing';
}

async function answerCaller(
  path: string,
  query: URLSearchParams,
  address: string,
  options: ServerOptions,
): Promise<Answer> {
  // The same for all callers: a client that detects the server must not wait until it is identified.
  const outer = resolveOuter(path, query);
  if (outer) return plain(outer);
  const resolution = resolvePath(path, query, await factsOf(await options.callers.at(address), options));
  if (!isToken(resolution)) return plain(resolution);
  // A token is worth stealing: the API server itself confirms the caller.
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

/** @throws errors that are not those of another service. */
function failure(error: unknown, log: Logger): Answer {
  if (error instanceof CallerError) return reject(error.code === 'CALLER_UNKNOWN' ? 403 : 503, error.message);
  if (error instanceof NoAccessTokensError) return { kind: 'token', status: 404, body: error.message };
  if (error instanceof ExchangeError) {
    log.warn({ err: error }, 'an access token could not be exchanged');
    // A rejection of this identity is final; clients retry after a 503.
    const rejected = error.status >= 400 && error.status < 500;
    return { kind: 'token', status: rejected ? 403 : 503, body: error.message };
  }
  if (!isKubeError(error)) throw error;
  // A rejection by a policy of the cluster is final too.
  if (error.code === 'KUBE_INVALID') return { kind: 'token', status: 403, body: error.message };
  log.warn({ err: error }, 'a request to the API server failed');
  return reject(503, `a request to the cluster's API server failed: ${error.message}`);
}

function reject(status: number, body: string): Answer {
  return { kind: 'unknown', status, body };
}

/** The address of the connection; an IPv4-mapped one as IPv4. */
function addressOf({ socket }: IncomingMessage): string {
  return (socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/, '');
}
