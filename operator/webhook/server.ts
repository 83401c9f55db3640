import { existsSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import fastify from 'fastify';
import type { ReferencedObjects } from '../apis/kind.ts';
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
import type { KeyPair } from './certificates/rotation.ts';

/** An object has at most 3 MB for the API server; a review holds two of them. */
const MAX_BODY = 8 << 20;
/** API servers keep idle connections for 90 s; ours must stay open for longer, or a review meets a closed one. */
const KEEP_ALIVE_MS = 120_000;

/** All addresses. A node may do without IPv6 (`ipv6.disable=1`), and knows no `::` then. */
const ANY = existsSync('/proc/net/if_inet6') ? '::' : '0.0.0.0';

/** How long each answer asks to close its connection before the rest are closed. */
const DRAIN_MS = 2_000;
/** A review that has begun to arrive is answered long before. */
const CLOSE_MS = 1_000;

/** Answers one question of an API server. */
type Admit = (request: AdmissionRequest) => Promise<AdmissionResponse>;

export interface WebhookServer {
  readonly port: number;
  /** New connections get this certificate; those that are open stay as they are. */
  serve(pair: KeyPair): void;
  /** Goes on answering while API servers leave, then closes; takes three seconds at most. */
  close(): Promise<void>;
}

/** Listens for AdmissionReviews at /default, /validate and /evict; before the first {@link WebhookServer.serve}, TLS fails. */
export async function startServer({
  port,
  host = ANY,
  policy,
  lookUp = async () => ({}),
  evict,
  log,
  drainMs = DRAIN_MS,
}: {
  port: number;
  host?: string;
  policy: Policy;
  /** What the law asks of the cluster for a review. */
  lookUp?: (request: AdmissionRequest) => Promise<ReferencedObjects>;
  /** Whether a pod may be evicted. */
  evict: Admit;
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
  // What a person writes as a key is data, and no reason to reject a review.
  const parse = app.getDefaultJsonParser('remove', 'ignore');
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) =>
    parse(request, narrowed(body).toString(), done),
  );
  let draining = false;
  app.addHook('onRequest', async (_request, reply) => {
    if (draining) reply.header('connection', 'close');
  });
  const paths: Record<string, Admit> = {
    default: async (question) => admitDefault(question, policy, await lookUp(question)),
    validate: async (question) => admitValidate(question, policy, await lookUp(question)),
    evict,
  };
  for (const [path, admit] of Object.entries(paths)) {
    const observe = (reply: { elapsedTime: number }) =>
      admissionDuration.observe({ path }, reply.elapsedTime / 1000);
    app.post(`/${path}`, { onResponse: async (_request, reply) => observe(reply) }, async (request) => {
      const question = requestOf(request.body);
      const answer = await admit(question);
      admissionReviews.inc({ path, kind: kindOf(question), result: resultOf(answer) });
      return reviewOf(answer);
    });
  }
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const status = error instanceof ReviewError ? 400 : (error.statusCode ?? 500);
    if (status >= 500) {
      admissionReviews.inc({ path: request.routeOptions.url?.slice(1), kind: '', result: 'error' });
      log.error({ err: error }, 'an admission review could not be answered');
    }
    return reply.code(status).send({ message: error.message });
  });
  await app.listen({ port, host });
  return {
    port: (app.server.address() as AddressInfo).port,
    serve: ({ certificate, key }) => app.server.setSecureContext({ ...tls, cert: certificate, key }),
    async close() {
      // API servers keep connections, and a review that meets one which closes is lost: they must let go first.
      draining = true;
      await sleep(drainMs);
      // A connection that has not carried a review yet does not count as idle, and would be waited for.
      const cut = setTimeout(() => app.server.closeAllConnections(), CLOSE_MS);
      await app.close();
      clearTimeout(cut);
    },
  };
}

/** A label of a series: nobody who finds the port may make up new ones. */
function kindOf({ kind }: AdmissionRequest): string {
  return KINDS.some((each) => each.kind === kind.kind) ? kind.kind : 'other';
}

function resultOf({ allowed, warnings }: AdmissionResponse): string {
  if (!allowed) return 'rejected';
  return warnings ? 'warned' : 'allowed';
}
