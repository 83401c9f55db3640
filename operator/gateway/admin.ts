import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createHttpServer } from '../probe/builtins.ts';
import { registry } from '../telemetry/metrics.ts';

export interface AdminOptions {
  port: number;
  /** Why the process cannot do its work yet or any more; undefined when it can. */
  unready: () => string | undefined;
  /** What /stats answers. */
  stats: () => unknown;
}

type Page = (response: ServerResponse) => void | Promise<void>;

/**
 * The port that the kubelet, Prometheus and the autoscaler ask: /healthz, /readyz, /metrics and /stats. On node:http,
 * because fastify with its validators is a tenth of an idle gateway's memory and four fixed pages use none of it.
 */
export async function startGatewayAdmin({ port, unready, stats }: AdminOptions): Promise<Server> {
  const pages: Record<string, Page> = {
    '/healthz': (response) => send(response, 200, 'text/plain', 'ok\n'),
    '/readyz': (response) => {
      const why = unready();
      if (why === undefined) send(response, 200, 'text/plain', 'ok\n');
      else send(response, 503, 'text/plain', `${why}\n`);
    },
    '/metrics': async (response) => send(response, 200, registry.contentType, await registry.metrics()),
    '/stats': (response) => send(response, 200, 'application/json', JSON.stringify(stats())),
  };
  const server = createHttpServer((request, response) => void answer(pages, request, response));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host: '::' }, resolve);
  });
  return server;
}

async function answer(
  pages: Record<string, Page>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const page = request.method === 'GET' ? pages[(request.url ?? '').split('?', 1)[0] as string] : undefined;
  if (!page) {
    send(response, 404, 'text/plain', 'not found\n');
    return;
  }
  try {
    await page(response);
  } catch (error) {
    send(response, 500, 'text/plain', `${(error as Error).message}\n`);
  }
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) }).end(body);
}
