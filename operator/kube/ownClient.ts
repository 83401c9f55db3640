import { KubeClient } from './client.ts';
import { ownConnection } from './connection.ts';

/**
 * A client for the API server of this process ({@link ownConnection}).
 * @throws {ConnectionError} when it is not known how to reach one.
 */
export async function ownClient(): Promise<KubeClient> {
  return new KubeClient(await ownConnection());
}
