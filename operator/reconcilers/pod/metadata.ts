import type { Container } from '../../apis/serving/container/types.ts';
import type { CoreService } from '../../kube/core.ts';
import type { RoleConfig } from '../../roles.ts';

/** How the programs of an instance find the metadata server. */
export interface MetadataAccess {
  /** The address that its names stand for in the pod. */
  address: string;
  /** Whether 169.254.169.254 works too, so that client libraries need no hint. */
  linkLocal: boolean;
}

/** Names of the metadata server (container contract, Instance metadata server). */
const HOSTNAMES = ['metadata.google.internal', 'metadata'];

/**
 * Go's and Node's client libraries ask 169.254.169.254 unless configured otherwise, and Python's does so to find out
 * whether there is a server at all. Cloud Run needs neither; here they are the way that works without the nodes' help.
 */
const HINTS = { GCE_METADATA_HOST: 'metadata.google.internal', GCE_METADATA_IP: 'metadata.google.internal' };

/** Where the metadata server is now; undefined when it is not installed. */
export function metadataAccess(
  service: CoreService | undefined,
  config: Pick<RoleConfig<'controller'>, 'metadata'>,
): MetadataAccess | undefined {
  const { enabled, linkLocal } = config.metadata;
  const address = service?.spec?.clusterIP;
  return enabled && address && address !== 'None' ? { address, linkLocal } : undefined;
}

/** The pod's own entries in /etc/hosts. */
export function hostAliases(access: MetadataAccess | undefined) {
  return access && [{ ip: access.address, hostnames: HOSTNAMES }];
}

/** The variables that client libraries need; where a container sets them itself, that counts. */
export function metadataEnv(
  container: Pick<Container, 'env'>,
  access: MetadataAccess | undefined,
): Record<string, string> {
  if (!access || access.linkLocal) return {};
  const declared = new Set(container.env?.map(({ name }) => name));
  return Object.fromEntries(Object.entries(HINTS).filter(([name]) => !declared.has(name)));
}
