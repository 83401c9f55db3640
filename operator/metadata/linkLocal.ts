import type { KubeClient } from '../kube/client.ts';
import { CORE_SERVICES } from '../kube/core.ts';
import type { ObjectRef } from '../kube/types.ts';

/** Where Google's metadata server is, and where most client libraries look for it. */
export const LINK_LOCAL_ADDRESS = '169.254.169.254';

/**
 * Makes 169.254.169.254 an address of the metadata Service: it is a load balancer's Service of a class that only
 * Homerun knows, so that its status is ours to write, and the nodes' service proxy serves what it names.
 */
export async function claimLinkLocal(
  client: Pick<KubeClient, 'mergePatch'>,
  service: ObjectRef,
): Promise<void> {
  await client.mergePatch(
    CORE_SERVICES,
    service,
    { status: { loadBalancer: { ingress: [{ ip: LINK_LOCAL_ADDRESS, ipMode: 'VIP' }] } } },
    { subresource: 'status', fieldManager: 'homerun-metadata' },
  );
}
