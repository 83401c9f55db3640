import type { KubeClient } from '../kube/client.ts';
import { CORE_SERVICES } from '../kube/core.ts';
import type { ObjectRef } from '../kube/types.ts';

/** The address of Google's metadata server, which most client libraries use. */
export const LINK_LOCAL_ADDRESS = '169.254.169.254';

/**
 * Makes 169.254.169.254 an address of the metadata Service: the Service is of type LoadBalancer with Homerun's own class,
 * so that Homerun writes its status, and the nodes' service proxy serves the address in it.
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
