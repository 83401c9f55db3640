import { SERVICES, type Service } from '../../operator/apis/serving/service/types.ts';
import { type KubeClient, resourcePath } from '../../operator/kube/client.ts';
import { PODS, type Pod } from '../../operator/kube/core.ts';
import { readyCondition } from '../../operator/kube/pod.ts';
import type { KubeObject, ResourceType } from '../../operator/kube/types.ts';
import { SYSTEM_NAMESPACE } from './cluster.ts';
import { until } from './wait.ts';

interface Endpoint {
  conditions?: { ready?: boolean };
  targetRef?: { uid?: string };
}

const ENDPOINT_SLICES: ResourceType<KubeObject & { endpoints?: Endpoint[] | null }> = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  namespaced: true,
};

/** The controller's pods. */
export async function controllers(client: KubeClient): Promise<Pod[]> {
  const labelSelector = 'app.kubernetes.io/component=controller';
  return (await client.list(PODS, { namespace: SYSTEM_NAMESPACE, labelSelector })).items;
}

/** Kills them: without grace the kubelet does so at once. Gives those that were killed. */
export async function killControllers(client: KubeClient): Promise<Pod[]> {
  const killed = await controllers(client);
  for (const { metadata } of killed) await client.delete(PODS, metadata, { gracePeriodSeconds: 0 });
  return killed;
}

/**
 * Waits until others than these work, and admission with them. That somebody is admitted does not say so yet: an old
 * webhook answers on old connections until it is gone.
 */
export async function controllersReplaced(client: KubeClient, before: readonly Pod[]): Promise<void> {
  const old = new Set(before.map(({ metadata }) => metadata.uid));
  const areReplaced = async () => {
    const pods = await controllers(client);
    const asked = await webhookEndpoints(client);
    return (
      pods.length > 0 &&
      pods.every((pod) => !old.has(pod.metadata.uid) && readyCondition(pod)) &&
      pods.every(({ metadata }) => asked.includes(metadata.uid)) &&
      asked.every((uid) => pods.some(({ metadata }) => metadata.uid === uid))
    );
  };
  const what = 'new controllers to be ready and asked, and no old one to be left';
  await until(what, areReplaced, { timeoutMs: 120_000 });
  await until('admission to be back', () => admitted(client));
}

/** UIDs of the pods that the API server asks. */
async function webhookEndpoints(client: KubeClient): Promise<(string | undefined)[]> {
  const labelSelector = 'kubernetes.io/service-name=homerun-webhook';
  const { items } = await client.list(ENDPOINT_SLICES, { namespace: SYSTEM_NAMESPACE, labelSelector });
  const endpoints = items.flatMap(({ endpoints }) => endpoints ?? []);
  return endpoints.filter(({ conditions }) => conditions?.ready).map(({ targetRef }) => targetRef?.uid);
}

/** Whether a service is admitted; it is not stored. */
async function admitted(client: KubeClient): Promise<boolean> {
  const service: Service = {
    apiVersion: SERVICES.apiVersion,
    kind: SERVICES.kind,
    metadata: { name: 'admitted', namespace: 'default' },
    spec: { template: { spec: { containers: [{ image: 'hello' }] } } },
  };
  const path = resourcePath(SERVICES, { namespace: service.metadata.namespace });
  await client.request('POST', path, { query: { dryRun: 'All' }, body: service });
  return true;
}
