import type { KubeClient } from '../../operator/kube/client.ts';
import { PODS, type Pod } from '../../operator/kube/core.ts';
import { SYSTEM_NAMESPACE } from '../lib/cluster.ts';

/** Where Homerun's pods give their metrics. */
export const ADMIN_PORT = 9090;

/** The pod of one of Homerun's parts. */
export async function podOf(client: KubeClient, component: string): Promise<Pod> {
  const labelSelector = `app.kubernetes.io/component=${component}`;
  const { items } = await client.list(PODS, { namespace: SYSTEM_NAMESPACE, labelSelector });
  const pod = items.find(({ metadata }) => !metadata.deletionTimestamp);
  if (!pod) throw new Error(`there is no ${component} pod`);
  return pod;
}
