import { randomBytes } from 'node:crypto';
import type { KubeClient } from '../../kube/client.ts';
import { SECRETS, type Secret } from '../../kube/core.ts';
import { Informer } from '../../kube/informer.ts';
import type { RoleConfig } from '../../roles.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { ThreadData } from '../data/thread.ts';

type GatewayConfig = RoleConfig<'gateway'>['gateway'];

/** What the data threads need for TLS, if certificates are configured; all of one process accept each other's tickets. */
export function tlsOfThreads({ tlsPort, tls }: GatewayConfig): ThreadData['tls'] {
  if (tls.secrets.length === 0 && tls.namespace === '') return undefined;
  const redirectPort = tls.redirect ? tls.publicPort : undefined;
  return { port: tlsPort, ticketKeys: randomBytes(48), redirectPort };
}

/**
 * Watches of the Secrets with certificates: those that the configuration names in the operator's namespace, each alone,
 * because the gateway may read no others there (RBAC: resourceNames); and all TLS Secrets of the namespace for them.
 * @param own the operator's namespace.
 */
export function certificateInformers(
  { secrets, namespace }: GatewayConfig['tls'],
  own: string,
  common: { client: KubeClient; log: Logger },
): Informer<Secret>[] {
  const watch = (name: string, namespace: string, fieldSelector: string) =>
    new Informer({ ...common, type: SECRETS, name, namespace, fieldSelector });
  const named = secrets.map((name) => watch('certificate', own, `metadata.name=${name}`));
  if (namespace === '') return named;
  return [...named, watch('certificates', namespace, 'type=kubernetes.io/tls')];
}
