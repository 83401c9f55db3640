import { ApiServer } from './apiServer.ts';
import { installKinds, makeNamespaces } from './installKinds.ts';

let idle: ApiServer | undefined;

/**
 * An API server with our kinds and these namespaces, as new. The suites of a process use the same one in turn: to start
 * it and to install the kinds costs more than the tests of most of them. A suite that wants another server or other
 * kinds starts its own ({@link ApiServer.start}).
 *
 *     server = await takeApiServer('demo');   // in before()
 *     await giveBackApiServer(server);        // in after()
 */
export async function takeApiServer(...namespaces: string[]): Promise<ApiServer> {
  const server = idle ?? (await startWithKinds());
  idle = undefined;
  await makeNamespaces(server, ...namespaces);
  return server;
}

/** Removes what a suite has made; the server must run. Does nothing where {@link takeApiServer} has failed. */
export async function giveBackApiServer(server: ApiServer | undefined): Promise<void> {
  if (!server) return;
  try {
    await server.restore();
  } catch (error) {
    await server.stop();
    throw error;
  }
  if (idle) await server.stop();
  else idle = server;
}

async function startWithKinds(): Promise<ApiServer> {
  const server = await ApiServer.start();
  await installKinds(server);
  await server.keepState();
  server.unref();
  return server;
}
