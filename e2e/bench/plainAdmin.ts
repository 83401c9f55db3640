import { type ChildProcess, fork } from 'node:child_process';
import fastify from 'fastify';
import type { KeyPair } from '../../operator/webhook/certificates/rotation.ts';
import { MEASURED, ready } from './servers.ts';

/** An answer by the request that it is for, `METHOD PATH`. */
export type Answers = Record<string, string>;

interface Settings {
  port: number;
  pair: KeyPair;
  answers: Answers;
}

/** A server that does nothing but send the bytes that the Admin API has answered, over TLS, in a process of its own. */
export async function startPlain(settings: Settings): Promise<ChildProcess> {
  const child = fork(new URL(import.meta.url));
  child.send(settings);
  await ready(child, 'the plain server', MEASURED);
  return child;
}

async function serve({ port, pair, answers }: Settings): Promise<void> {
  const app = fastify({ https: { key: pair.key, cert: pair.certificate } });
  app.all('/*', (request, reply) => {
    const body = answers[`${request.method} ${request.url}`];
    return reply
      .code(body === undefined ? 404 : 200)
      .type('application/json')
      .send(body);
  });
  await app.listen({ host: '127.0.0.1', port });
  process.send?.('ready');
}

if (import.meta.main) {
  process.once('message', (settings) => void serve(settings as Settings));
  process.on('disconnect', () => process.exit());
}
