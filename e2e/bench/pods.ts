import { request } from 'undici';
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

/** The value of a series of one of Homerun's pods; of several with this name, with what `labels` matches, their sum. */
export function series({ status }: Pod, name: string, labels = ''): Promise<number> {
  return seriesAt(`http://${status?.podIP}:${ADMIN_PORT}`, name, labels);
}

/** The same of a process that answers at `url`. */
export async function seriesAt(url: string, name: string, labels = ''): Promise<number> {
  const { body } = await request(`${url}/metrics`);
  const lines = (await body.text()).matchAll(new RegExp(`^${name}(?:\\{(.*)\\})? (\\S+)$`, 'gm'));
  const matching = [...lines].filter(([, found = '']) => new RegExp(labels).test(found));
  return matching.reduce((sum, [, , value]) => sum + Number(value), 0);
}
