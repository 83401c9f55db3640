import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import type { KubeClient } from '../../operator/kube/client.ts';
import { PODS } from '../../operator/kube/core.ts';
import { SYSTEM_NAMESPACE } from '../lib/cluster.ts';
import { type Result, round } from './result.ts';

const ADMIN_PORT = 9090;
const WINDOW_SECONDS = 30;

/** What a process may use while no request comes and nothing changes. */
const LIMITS = [
  { component: 'controller', megabytes: 150, percent: 2 },
  { component: 'gateway', megabytes: 100, percent: undefined },
];

/** Resident memory, and CPU use over half a minute, of the processes when there is nothing to do. */
export async function idleFootprint(client: KubeClient): Promise<Result[]> {
  const results: Result[] = [];
  for (const { component, megabytes, percent } of LIMITS) {
    const before = await figures(client, component);
    await sleep(WINDOW_SECONDS * 1000);
    const after = await figures(client, component);
    const used = ((after.cpuSeconds - before.cpuSeconds) / WINDOW_SECONDS) * 100;
    results.push(limitResult(`idle-${component}-memory`, 'MB', after.bytes / 1e6, megabytes));
    if (percent !== undefined)
      results.push(limitResult(`idle-${component}-cpu`, '% of a core', used, percent));
  }
  return results;
}

/** A figure that stands alone: its limit takes the place of a baseline. */
function limitResult(name: string, unit: string, value: number, goal: number): Result {
  return {
    name,
    unit,
    value: round(value),
    baseline: goal,
    ratio: round(value / goal, 3),
    goal,
    holds: value <= goal,
  };
}

async function figures(
  client: KubeClient,
  component: string,
): Promise<{ bytes: number; cpuSeconds: number }> {
  const labelSelector = `app.kubernetes.io/component=${component}`;
  const { items } = await client.list(PODS, { namespace: SYSTEM_NAMESPACE, labelSelector });
  const pod = items.find(({ metadata }) => !metadata.deletionTimestamp);
  const { body } = await request(`http://${pod?.status?.podIP}:${ADMIN_PORT}/metrics`);
  const text = await body.text();
  return {
    bytes: series(text, 'process_resident_memory_bytes'),
    cpuSeconds: series(text, 'process_cpu_seconds_total'),
  };
}

function series(text: string, name: string): number {
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
}
