import { once } from 'node:events';
import type { Identity } from '../config.ts';
import type { KubeClient } from '../kube/client.ts';
import { aborted } from '../kube/clock.ts';
import type { RoleConfig } from '../roles.ts';
import { startAdmin } from '../telemetry/admin.ts';
import type { Logger } from '../telemetry/log.ts';
import { Callers } from './callers.ts';
import { Issuer } from './issuer.ts';
import { claimLinkLocal } from './linkLocal.ts';
import { Projects } from './projects.ts';
import { createMetadataServer } from './server.ts';

/** The metadata role: serves the metadata of instances until `signal` aborts. */
export async function runMetadata(
  config: RoleConfig<'metadata'>,
  identity: Identity,
  client: KubeClient,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  const callers = new Callers({ client, log });
  const issuer = new Issuer({ client, config: config.metadata.workloadIdentity });
  const projects = new Projects(client, config.metadata);
  callers.informer.onChange(({ type, object }) => {
    if (type === 'deleted') issuer.forget(object.metadata.uid ?? '');
  });
  let listening = false;
  const unready = (): string | undefined => {
    if (signal.aborted) return 'the metadata server is ending';
    if (!callers.informer.hasSynced) return 'waiting for the first list of pods';
    return listening ? undefined : 'the server is starting';
  };
  const admin = await startAdmin({ port: config.adminPort, unready });
  const server = createMetadataServer({ config, callers, issuer, projects, log });
  const watching = callers.informer.run(signal);
  try {
    await Promise.race([callers.informer.synced, aborted(signal)]);
    if (signal.aborted) return;
    server.listen(config.metadata.port);
    await once(server, 'listening');
    listening = true;
    if (config.metadata.linkLocal) {
      await claimLinkLocal(client, { namespace: identity.namespace, name: config.metadata.service });
    }
    log.info({ pod: identity.podName, port: config.metadata.port }, 'serving');
    await aborted(signal);
  } finally {
    server.close();
    server.closeIdleConnections();
    admin.close();
    await watching;
  }
}
