import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { SERVING } from '../../operator/apis/labels.ts';
import { REVISIONS, type Revision } from '../../operator/apis/serving/revision/types.ts';
import { SERVICES, type Service } from '../../operator/apis/serving/service/types.ts';
import { KubeClient } from '../../operator/kube/client.ts';
import { kubeConfigConnection } from '../../operator/kube/connection.ts';
import { CORE_SERVICES, type CoreService, NAMESPACES, PODS, type Pod } from '../../operator/kube/core.ts';
import { isKubeError } from '../../operator/kube/errors.ts';
import { until } from './wait.ts';

const run = promisify(execFile);

/** Where the chart is installed by `make deploy`. */
export const SYSTEM_NAMESPACE = 'homerun-system';

/** The cluster that KUBECONFIG names, through the operator's own client. */
export async function connect(): Promise<KubeClient> {
  return new KubeClient(await kubeConfigConnection());
}

/** Runs kubectl as a person would and gives what it prints; its error holds what it said on stderr. */
export async function kubectl(args: string[], input?: string): Promise<string> {
  const child = run('kubectl', args, { maxBuffer: 64 * 1024 * 1024 });
  child.child.stdin?.end(input ?? '');
  return (await child).stdout;
}

export interface Address {
  host: string;
  port: number;
}

/** Where the gateway's NodePort answers. */
export async function gatewayAddress(client: KubeClient): Promise<Address> {
  const ref = { namespace: SYSTEM_NAMESPACE, name: 'homerun-gateway' };
  const service = await until('the gateway service', () => client.get<CoreService>(CORE_SERVICES, ref));
  const port = service.spec?.ports?.find(({ name }) => name === 'http')?.nodePort;
  if (!port)
    throw new Error('the gateway service has no node port: install with gateway.service.type=NodePort');
  const nodes = await client.request<{
    items: { status: { addresses: { type: string; address: string }[] } }[];
  }>('GET', '/api/v1/nodes');
  const host = nodes.items[0]?.status.addresses.find(({ type }) => type === 'InternalIP')?.address;
  if (!host) throw new Error('the node has no InternalIP');
  return { host, port };
}

/** Where requests from inside the cluster reach the gateway. */
export async function internalGatewayAddress(client: KubeClient): Promise<Address> {
  const ref = { namespace: SYSTEM_NAMESPACE, name: 'homerun-gateway-internal' };
  const service = await until('the internal gateway service', () =>
    client.get<CoreService>(CORE_SERVICES, ref),
  );
  const { clusterIP: host, ports } = service.spec ?? {};
  const port = ports?.find(({ name }) => name === 'http')?.port;
  if (!host || !port) throw new Error('the internal gateway service has no address');
  return { host, port };
}

/** Makes a namespace that nothing else is in; one that is still going away from an earlier run is waited for. */
export async function freshNamespace(client: KubeClient, name: string): Promise<string> {
  await client.delete(NAMESPACES, { name });
  await until(`namespace ${name} to be gone`, async () => !(await client.get(NAMESPACES, { name })));
  await client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  return name;
}

/** Makes a namespace unless it is there. */
export async function ensureNamespace(client: KubeClient, name: string): Promise<void> {
  try {
    await client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  } catch (error) {
    if (!isKubeError(error, 'KUBE_ALREADY_EXISTS')) throw error;
  }
}

/** The service once its Ready condition has the wanted status for its present generation. */
export function serviceReady(
  client: KubeClient,
  namespace: string,
  name: string,
  { status = 'True', timeoutMs = 120_000 } = {},
): Promise<Service> {
  return until(
    `service ${name} to have Ready=${status}`,
    async () => {
      const service = await client.get(SERVICES, { namespace, name });
      if (service?.status?.observedGeneration !== service?.metadata.generation) return undefined;
      const ready = service?.status?.conditions?.find(({ type }) => type === 'Ready');
      if (ready?.status === status) return service;
      throw new Error(`Ready is ${ready?.status} (${ready?.reason}: ${ready?.message})`);
    },
    { timeoutMs },
  );
}

/** The revisions of a service, oldest first. */
export async function revisionsOf(
  client: KubeClient,
  namespace: string,
  service: string,
): Promise<Revision[]> {
  const labelSelector = `${SERVING.service}=${service}`;
  const { items } = await client.list(REVISIONS, { namespace, labelSelector });
  return items.sort((a, b) => generation(a) - generation(b));
}

function generation(revision: Revision): number {
  return Number(revision.metadata.labels?.[SERVING.configurationGeneration] ?? 0);
}

/** The pods of a service that are not on their way out. */
export async function podsOf(client: KubeClient, namespace: string, service: string): Promise<Pod[]> {
  const pods = await allPodsOf(client, namespace, service);
  return pods.filter(({ metadata }) => !metadata.deletionTimestamp);
}

/** The pods of a service, also those on their way out: such a pod may still answer a request. */
export async function allPodsOf(client: KubeClient, namespace: string, service: string): Promise<Pod[]> {
  const labelSelector = `${SERVING.service}=${service}`;
  const { items } = await client.list(PODS, { namespace, labelSelector });
  return items;
}
