import { setTimeout as sleep } from 'node:timers/promises';
import { bytes } from '../../operator/apis/quantity.ts';
import type { KubeClient } from '../../operator/kube/client.ts';
import type { Pod } from '../../operator/kube/core.ts';
import { until } from '../lib/wait.ts';
import { podOf, series } from './pods.ts';
import { limitResult, type Result } from './result.ts';

const WINDOW_SECONDS = 60;

interface PodMetrics {
  containers: { usage: { memory: string } }[];
}

/** What the processes use while no request comes and nothing changes. */
export async function idleFootprint(client: KubeClient): Promise<Result[]> {
  const [controller, webhook, gateway, api] = await Promise.all([
    podOf(client, 'controller'),
    podOf(client, 'webhook'),
    podOf(client, 'gateway'),
    podOf(client, 'api'),
  ]);
  const before = await series(controller, 'process_cpu_seconds_total');
  await sleep(WINDOW_SECONDS * 1000);
  const used = (await series(controller, 'process_cpu_seconds_total')) - before;
  const resident = await series(controller, 'process_resident_memory_bytes');
  const admission = await series(webhook, 'process_resident_memory_bytes');
  return [
    limitResult('idle-controller-rss', 'MB', resident / 1e6, 150),
    limitResult('idle-webhook-rss', 'MB', admission / 1e6, 100),
    limitResult('idle-api-rss', 'MB', (await series(api, 'process_resident_memory_bytes')) / 1e6, 120),
    limitResult('idle-controller-cpu', '% of a core', (used / WINDOW_SECONDS) * 100, 2),
    limitResult('idle-gateway-memory', 'MB, as kubectl top', (await workingSet(client, gateway)) / 1e6, 110),
    limitResult(
      'idle-gateway-rss',
      'MB',
      (await series(gateway, 'process_resident_memory_bytes')) / 1e6,
      100,
    ),
  ];
}

/** What Kubernetes counts: without the pages of Node's own binary, which all its processes on a node share. */
async function workingSet(client: KubeClient, { metadata }: Pod): Promise<number> {
  const path = `/apis/metrics.k8s.io/v1beta1/namespaces/${metadata.namespace}/pods/${metadata.name}`;
  const { containers } = await until('metrics of the pod', () => client.request<PodMetrics>('GET', path));
  return containers.reduce((sum, { usage }) => sum + bytes(usage.memory), 0);
}
