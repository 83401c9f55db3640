import { SERVICES, type Service } from '../../operator/apis/serving/service/types.ts';
import { type KubeClient, resourcePath } from '../../operator/kube/client.ts';
import { DEPLOYMENTS, LEASES, PODS, type Pod } from '../../operator/kube/core.ts';
import { readyCondition } from '../../operator/kube/pod.ts';
import type { KubeObject, ResourceType } from '../../operator/kube/types.ts';
import { kubectl, SYSTEM_NAMESPACE } from './cluster.ts';
import { until } from './wait.ts';

interface Endpoint {
  conditions?: { ready?: boolean };
  targetRef?: { uid?: string };
}

const ENDPOINT_SLICES: ResourceType<
  KubeObject & { endpoints?: Endpoint[] | null; ports?: unknown[] | null }
> = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  namespaced: true,
};

/** For which controllers compete. */
const LEASE = { namespace: SYSTEM_NAMESPACE, name: 'homerun-controller' };

/** A role of Homerun's own that has pods. */
export type Role = 'api' | 'controller' | 'gateway' | 'metadata' | 'node' | 'webhook';

/** The pods of a role. */
export async function podsOfRole(client: KubeClient, role: Role): Promise<Pod[]> {
  const labelSelector = `app.kubernetes.io/component=${role}`;
  return (await client.list(PODS, { namespace: SYSTEM_NAMESPACE, labelSelector })).items;
}

/** What a pod of Homerun's own says at /metrics. */
export function metricsOf(pod: string): Promise<string> {
  const path = `/api/v1/namespaces/${SYSTEM_NAMESPACE}/pods/${pod}:9090/proxy/metrics`;
  return kubectl(['get', '--raw', path]);
}

/** The value of a series, with its labels as /metrics writes them, over all pods of a role; 0 where none has it. */
export async function seriesOf(client: KubeClient, role: Role, series: string): Promise<number> {
  let sum = 0;
  for (const { metadata } of await podsOfRole(client, role)) {
    const lines = (await metricsOf(metadata.name)).split('\n');
    const line = lines.find((candidate) => candidate.startsWith(`${series} `));
    sum += Number(line?.slice(series.length + 1) ?? 0);
  }
  return sum;
}

/** Whether a role has exactly so many pods, all of them ready. */
export async function areReady(client: KubeClient, role: Role, count: number): Promise<boolean> {
  const pods = await podsOfRole(client, role);
  const isReady = (pod: Pod) => !pod.metadata.deletionTimestamp && readyCondition(pod) !== undefined;
  return pods.length === count && pods.every(isReady);
}

/**
 * How long nobody renews the lease after its holder was killed, in ms: by the wall clocks of this machine and of who renews it.
 * Endless where it is not renewed within a minute.
 */
export async function leaderless(client: KubeClient, killedAt: number): Promise<number> {
  const renewed = until(
    'the lease to be renewed',
    async () => {
      const { holderIdentity, renewTime = '' } = (await client.get(LEASES, LEASE))?.spec ?? {};
      const renewedAt = Date.parse(renewTime);
      return holderIdentity && renewedAt > killedAt && renewedAt;
    },
    { timeoutMs: 60_000 },
  );
  return Number(await renewed.catch(() => Number.POSITIVE_INFINITY)) - killedAt;
}

/** The pod of the controller that leads; undefined while none does. */
export async function leader(client: KubeClient): Promise<string | undefined> {
  return (await client.get(LEASES, LEASE))?.spec?.holderIdentity;
}

/** Kills all pods of a role: without grace the kubelet does so at once. Gives those that were killed. */
export async function killRole(client: KubeClient, role: Role): Promise<Pod[]> {
  const killed = await podsOfRole(client, role);
  for (const { metadata } of killed) await client.delete(PODS, metadata, { gracePeriodSeconds: 0 });
  return killed;
}

/**
 * Waits until other pods than these do a role's work, and none of these is left. Of webhooks also until API servers ask
 * them: that somebody is admitted does not say so yet, as an old one answers on old connections until it is gone.
 */
export async function roleReplaced(client: KubeClient, role: Role, before: readonly Pod[]): Promise<void> {
  const old = new Set(before.map(({ metadata }) => metadata.uid));
  const areReplaced = async () => {
    const pods = await podsOfRole(client, role);
    const areNew = pods.every((pod) => !old.has(pod.metadata.uid) && readyCondition(pod));
    return pods.length > 0 && areNew && (role !== 'webhook' || (await areAsked(client, pods)));
  };
  const what = `a new ${role} to be ready, and no old one to be left`;
  await until(what, areReplaced);
  if (role === 'webhook') await until('admission to be back', () => admitted(client));
}

/** Does something while a role has so many pods; gives back what it gives once it has as many as before. */
export async function withReplicas<T>(
  client: KubeClient,
  role: Role,
  replicas: number,
  work: () => Promise<T>,
): Promise<T> {
  const ref = { namespace: SYSTEM_NAMESPACE, name: `homerun-${role}` };
  const before = (await client.get(DEPLOYMENTS, ref))?.spec?.replicas ?? 1;
  const scale = async (to: number) => {
    await client.mergePatch(DEPLOYMENTS, ref, { spec: { replicas: to } }, { subresource: 'scale' });
    await until(`exactly ${to} pods of the ${role}, all ready`, () => areReady(client, role, to));
  };
  await scale(replicas);
  try {
    return await work();
  } finally {
    await scale(before);
  }
}

/** Does something while no controller runs; gives back what it gives once they run again. */
export function withoutControllers<T>(client: KubeClient, work: () => Promise<T>): Promise<T> {
  return withReplicas(client, 'controller', 0, work);
}

/** Whether API servers ask exactly these pods. */
async function areAsked(client: KubeClient, pods: readonly Pod[]): Promise<boolean> {
  const labelSelector = 'kubernetes.io/service-name=homerun-webhook';
  const { items } = await client.list(ENDPOINT_SLICES, { namespace: SYSTEM_NAMESPACE, labelSelector });
  // Pods of other roles do not have the port: they are in a slice without any, and no request is sent to them.
  const endpoints = items.filter(({ ports }) => ports?.length).flatMap(({ endpoints }) => endpoints ?? []);
  const asked = endpoints
    .filter(({ conditions }) => conditions?.ready)
    .map(({ targetRef }) => targetRef?.uid);
  return (
    asked.every((uid) => pods.some(({ metadata }) => metadata.uid === uid)) &&
    pods.every(({ metadata }) => asked.includes(metadata.uid))
  );
}

/** That a service is admitted; it is not stored. @throws {KubeError} when it is not. */
export async function admitted(client: KubeClient): Promise<boolean> {
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
