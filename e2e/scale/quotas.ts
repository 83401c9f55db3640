import type { KubeClient } from '../../operator/kube/client.ts';
import { NAMESPACES } from '../../operator/kube/core.ts';
import { type KubeObject, namespaced } from '../../operator/kube/types.ts';
import { until } from '../lib/wait.ts';
import type { Parameters } from './parameters.ts';

interface ResourceQuota extends KubeObject {
  spec: { hard: Record<string, string> };
  status?: { used?: Record<string, string> };
}

const RESOURCE_QUOTAS = namespaced<ResourceQuota>('v1', 'ResourceQuota', 'resourcequotas');
const QUOTA = 'limits';
/** More than a namespace of any run uses. */
const AMPLE = { pods: '100000', 'limits.cpu': '100000', 'limits.memory': '100Ti' };

/** Where a run's services are. */
export interface Projects {
  /** Those with room. */
  open: string[];
  /** Those in which the quota allows no pod. */
  exhausted: string[];
}

/** Makes the namespaces, each with a quota that is in force when this resolves. */
export async function makeProjects(
  client: KubeClient,
  { namespaces, exhausted }: Pick<Parameters, 'namespaces' | 'exhausted'>,
): Promise<Projects> {
  const names = Array.from({ length: namespaces }, (_, index) => `team-${index}`);
  await Promise.all(names.map((name, index) => makeProject(client, name, index < exhausted)));
  const areCounted = async () => {
    const { items } = await client.list(RESOURCE_QUOTAS);
    return items.filter(({ status }) => status?.used).length === names.length;
  };
  await until('all quotas to be in force', areCounted);
  return { open: names.slice(exhausted), exhausted: names.slice(0, exhausted) };
}

async function makeProject(client: KubeClient, name: string, isExhausted: boolean): Promise<void> {
  await client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  const hard = { ...AMPLE, ...(isExhausted ? { pods: '0' } : {}) };
  const { apiVersion, kind } = RESOURCE_QUOTAS;
  await client.create(RESOURCE_QUOTAS, {
    apiVersion,
    kind,
    metadata: { namespace: name, name: QUOTA },
    spec: { hard },
  });
}
