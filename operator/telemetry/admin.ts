import fastify, { type FastifyInstance } from 'fastify';
import { registry } from './metrics.ts';

export interface AdminOptions {
  port: number;
  /** Why the process cannot do its work yet or any more; undefined when it can. */
  unready: () => string | undefined;
}

/** The port that the kubelet and Prometheus ask: /healthz, /readyz and /metrics. */
export async function startAdmin({ port, unready }: AdminOptions): Promise<FastifyInstance> {
  const app = fastify();
  app.get('/healthz', () => 'ok\n');
  app.get('/readyz', (_request, reply) => {
    const why = unready();
    return why === undefined ? 'ok\n' : reply.code(503).send(`${why}\n`);
  });
  app.get('/metrics', async (_request, reply) => {
    return reply.type(registry.contentType).send(await registry.metrics());
  });
  await app.listen({ port, host: '::' });
  return app;
}
