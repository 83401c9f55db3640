import type { Config } from '../config.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Logger } from '../telemetry/log.ts';
import { RegistryClient } from './client.ts';
import { readKeyring } from './pullsecrets.ts';
import { DigestResolver } from './resolver.ts';
import { createDispatcher } from './transport.ts';

export interface ResolverParts {
  client: KubeClient;
  config: Config['registry'];
  /** Called with the key of a revision whose lookup has an answer. */
  onDone(revision: string): void;
  log: Logger;
}

/**
 * The digest resolver of a controller process.
 * @throws {RegistryCaError} when `registry.caFile` cannot be read.
 */
export function createResolver({ client, config, onDone, log }: ResolverParts): DigestResolver {
  const registry = new RegistryClient({
    dispatcher: createDispatcher(config.caFile),
    insecure: config.insecure,
    timeoutMs: config.timeoutSeconds * 1000,
  });
  return new DigestResolver({
    ask: async (image, pod) => registry.digest(image, await readKeyring(client, pod)),
    onDone,
    skip: config.skip,
    log,
  });
}
