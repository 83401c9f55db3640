import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Logger } from '../telemetry/log.ts';

/** How each answer of {@link runHello} begins. */
export const GREETING = 'hello from';

/**
 * A service for `homerun check`: it answers each request with the name of its revision, on the port of the container
 * contract, until `signal` aborts. It is in Homerun's image so that a check needs no other one.
 */
export async function runHello(
  _args: readonly string[],
  { PORT = '8080', K_REVISION = '' }: NodeJS.ProcessEnv,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  const server = createServer((_, response) => response.end(`${GREETING} ${K_REVISION}\n`));
  await once(server.listen(Number(PORT)), 'listening');
  log.info({ port: PORT }, 'started');
  if (!signal.aborted) await once(signal, 'abort');
  server.close();
  await once(server, 'close');
}
