import { ROUTES } from '../apis/serving/route/types.ts';
import { GATEWAY_SELECTOR } from '../gateway/control/replicas.ts';
import { type KubeClient, resourcePath } from '../kube/client.ts';
import { PODS } from '../kube/core.ts';
import type { Found, GatewayFacts } from './facts.ts';
import { found } from './found.ts';
import type { Installation } from './reach.ts';

/** How many routes there are, and how many of them each gateway knows. */
export async function gatherGateways(
  { client, reach, namespace }: Pick<Installation, 'client' | 'reach' | 'namespace'>,
  namespaces: readonly string[],
): Promise<GatewayFacts> {
  const before = await countRoutes(client, namespaces);
  const pods = await client.list(PODS, { namespace, labelSelector: GATEWAY_SELECTOR });
  const running = pods.items.filter(
    ({ metadata, status }) => status?.phase === 'Running' && metadata.deletionTimestamp === undefined,
  );
  const known = await Promise.all(
    running.map(async (pod): Promise<[string, Found<number>]> => {
      const count = await found(async () => routesIn(await reach.metricsOf(pod)));
      return [pod.metadata.name, count];
    }),
  );
  const after = await countRoutes(client, namespaces);
  return {
    routes: { least: Math.min(before, after), most: Math.max(before, after) },
    known: Object.fromEntries(known),
  };
}

/** Asks for one of them only: the API server says how many remain (Kubernetes, ListMeta). */
async function countRoutes(client: KubeClient, namespaces: readonly string[]): Promise<number> {
  let count = 0;
  for (const namespace of namespaces.length > 0 ? namespaces : [undefined]) {
    const path = resourcePath(ROUTES, { namespace });
    const { items, metadata } = await client.request<{
      items: unknown[];
      metadata: { remainingItemCount?: number };
    }>('GET', path, { query: { limit: 1 } });
    count += items.length + (metadata.remainingItemCount ?? 0);
  }
  return count;
}

/** @throws when the text is not that of a gateway. */
export function routesIn(metrics: string): number {
  const [, count] = metrics.match(/^homerun_reflector_objects\{kind="Route",[^}]*\} (\d+)$/m) ?? [];
  if (count === undefined) throw new Error('its metrics have no number of routes');
  return Number(count);
}
