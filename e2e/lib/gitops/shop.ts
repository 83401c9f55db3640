import { readFileSync } from 'node:fs';
import { KINDS } from '../../../operator/apis/kinds.ts';
import type { KubeClient } from '../../../operator/kube/client.ts';
import {
  BATCH_JOBS,
  CORE_SERVICES,
  DEPLOYMENTS,
  DISRUPTION_BUDGETS,
  PODS,
} from '../../../operator/kube/core.ts';
import { namespaced, type ResourceType } from '../../../operator/kube/types.ts';
import { NAMESPACE } from '../../../operator/webhook/testing/installation.ts';

/** A manifest of e2e/samples. */
export function sample(name: string): string {
  return readFileSync(new URL(`../../samples/${name}.yaml`, import.meta.url), 'utf8');
}

/** The folder `shop`: what the README has people apply. */
export const SHOP: Readonly<Record<string, string>> = {
  'shop/hello.yaml': sample('hello'),
  'shop/job.yaml': sample('job'),
  'shop/counter.yaml': sample('worker-pool'),
};

/** All that Homerun and Kubernetes make of the objects in Git. */
const MADE: ResourceType[] = [
  ...KINDS.map(({ type }) => type),
  namespaced('apps/v1', 'ReplicaSet', 'replicasets'),
  ...[CORE_SERVICES, DEPLOYMENTS, BATCH_JOBS, PODS, DISRUPTION_BUDGETS],
];

/** Kind and name of all that there is. */
export async function presentIn(client: KubeClient): Promise<string[]> {
  const lists = await Promise.all(MADE.map((type) => client.list(type, { namespace: NAMESPACE })));
  return lists.flatMap(({ items }) => items.map(({ kind, metadata }) => `${kind} ${metadata.name}`));
}
