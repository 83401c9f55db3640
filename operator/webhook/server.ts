import { existsSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import fastify, { type FastifyInstance } from 'fastify';
import { KINDS } from '../apis/kinds.ts';
import type { Logger } from '../telemetry/log.ts';
import { admissionDuration, admissionReviews } from '../telemetry/metrics.ts';
import { admitDefault, admitValidate, type Policy } from './admission/admit.ts';
import { narrowed } from './admission/narrow.ts';
import {
  type AdmissionRequest,
  type AdmissionResponse,
  ReviewError,
  requestOf,
  reviewOf,
} from './admission/review.ts';
import {
  isToken,
  ofEachPath,
  type PathTokens,
  SECRET_PATHS,
  type SecretPath,
} from './certificates/pathTokens.ts';
import type { KeyPair } from './certificates/rotation.ts';

/** The API server limits an object to 3 MB; a review contains two. */
const MAX_BODY = 8 << 20;
/** API servers keep idle connections for 90 s; a shorter timeout here would break a review on a reused connection. */
const KEEP_ALIVE_MS = 120_000;

/** All addresses. A node without IPv6 (`ipv6.disable=1`) has no `::`. */
const ANY = existsSync('/proc/net/if_inet6') ? '::' : '0.0.0.0';

/** How long responses ask to close their connection before the remaining connections are closed. */
const DRAIN_MS = 2_000;
/** A pending review is answered long before. */
const CLOSE_MS = 1_000;

/** Answers one review. */
type Admit = (request: AdmissionRequest) => Promise<AdmissionResponse>;

export interface WebhookServer {
  readonly port: number;
  /** Uses the certificate for new connections; open ones are unaffected. */
  serve(pair: KeyPair): void;
  /** Answers at the secret paths with these tokens, and with no other. */
  acceptTokens(tokens: PathTokens): void;
  /** Drains connections, then closes; takes at most three seconds. */
  close(): Promise<void>;
}

/**
 * Serves AdmissionReviews at /default, /validate and the secret paths; TLS fails before the first
 * {@link WebhookServer.serve}. Every pod may send reviews. At /default and /validate, what is answered depends on the review
 * and the configuration alone. What reads or changes objects of the cluster needs a token that API servers alone have been
 * told.
 */
export async function startServer({
  port,
  host = ANY,
  policy,
  secretPaths,
  log,
  drainMs = DRAIN_MS,
}: {
  port: number;
  host?: string;
  policy: Policy;
  /** Answers the reviews at the secret paths. */
  secretPaths: Readonly<Record<SecretPath, Admit>>;
  log: Logger;
  drainMs?: number;
}): Promise<WebhookServer> {
  const tls = { minVersion: 'TLSv1.2' } as const;
  const app = fastify({
    https: tls,
    bodyLimit: MAX_BODY,
    keepAliveTimeout: KEEP_ALIVE_MS,
    return503OnClosing: false,
  });
  // Keys such as __proto__ are user data and no reason to reject a review.
  const parse = app.getDefaultJsonParser('remove', 'ignore');
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    let text: string;
    try {
      text = narrowed(body).toString();
    } catch (error) {
      // What is thrown here would end the process.
      return done(error as Error);
    }
    return parse(request, text, done);
  });
  let draining = false;
  app.addHook('onRequest', async (_request, reply) => {
    if (draining) reply.header('connection', 'close');
  });
  answerReviews(app, 'default', async (request) => admitDefault(request, policy));
  answerReviews(app, 'validate', async (request) => admitValidate(request, policy));
  let tokens: PathTokens = ofEachPath(() => []);
  for (const path of SECRET_PATHS) {
    app.register(async (scope) => {
      // Before a body is read, and as where there is no path: strangers learn nothing of it.
      scope.addHook<{ Params: { token: string } }>('onRequest', (request, reply, done) =>
        isToken(request.params.token, tokens[path]) ? done() : reply.callNotFound(),
      );
      answerReviews(scope, path, secretPaths[path], `/${path}/:token`);
    });
  }
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const status = error instanceof ReviewError ? 400 : (error.statusCode ?? 500);
    if (status >= 500) {
      admissionReviews.inc({ path: request.routeOptions.url?.split('/')[1], kind: '', result: 'error' });
      log.error({ err: error }, 'an admission review failed');
    }
    return reply.code(status).send({ message: error.message });
  });
  await app.listen({ port, host });
  return {
    port: (app.server.address() as AddressInfo).port,
    serve: ({ certificate, key }) => app.server.setSecureContext({ ...tls, cert: certificate, key }),
    acceptTokens(accepted) {
      tokens = accepted;
    },
    async close() {
      // API servers reuse connections, and a review on one that is being closed is lost: they must close it first.
      draining = true;
      await sleep(drainMs);
      // A connection that has not carried a review yet does not count as idle, so closing would wait for it.
      const cut = setTimeout(() => app.server.closeAllConnections(), CLOSE_MS);
      await app.close();
      clearTimeout(cut);
    },
  };
}

/** Answers the reviews that are posted to a URL. @param path names it in metrics. */
function answerReviews(app: FastifyInstance, path: string, admit: Admit, url = `/${path}`): void {
  const observe = (reply: { elapsedTime: number }) =>
    admissionDuration.observe({ path }, reply.elapsedTime / 1000);
  app.post(url, { onResponse: async (_request, reply) => observe(reply) }, async (request) => {
    const review = requestOf(request.body);
    const response = await admit(review);
    admissionReviews.inc({ path, kind: kindOf(review), result: resultOf(response) });
    return reviewOf(response);
  });
}

/** The kind as a metric label; unknown kinds are `other`, so that clients cannot create series. */
function kindOf({ kind }: AdmissionRequest): string {
  return KINDS.some((each) => each.kind === kind.kind) ? kind.kind : 'other';
}

function resultOf({ allowed, warnings }: AdmissionResponse): string {
  if (!allowed) return 'rejected';
  return warnings ? 'warned' : 'allowed';
}
