import { request } from 'undici';
import type { KubeClient } from '../../operator/kube/client.ts';
import type { Pod } from '../../operator/kube/core.ts';
import { podsOfRole } from '../lib/roles.ts';
import { helloService } from '../lib/services.ts';
import { ADMIN_PORT } from './pods.ts';
import { limitResult, type Result } from './result.ts';

const SECONDS = 10;
/** Each service is one review of either half. */
const SERVICES_PER_SECOND = 50;
const GOAL_MS = 10;

/** Upper bound of a bucket in seconds -> reviews that took no longer. */
type Buckets = Map<number, number>;

/** The webhook's own time for a review at 100 reviews a second, as its histogram counts it. */
export async function admissionLatency(client: KubeClient, namespace: string): Promise<Result> {
  const webhooks = await podsOfRole(client, 'webhook');
  const before = await bucketsOf(webhooks);
  const running: Promise<unknown>[] = [];
  const start = performance.now();
  while (running.length < SECONDS * SERVICES_PER_SECOND) {
    const due = ((performance.now() - start) / 1000) * SERVICES_PER_SECOND;
    while (running.length < due) running.push(judge(client, namespace, `admission-${running.length}`));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await Promise.all(running);
  const during = [...(await bucketsOf(webhooks))].map(
    ([bound, count]) => [bound, count - (before.get(bound) ?? 0)] as const,
  );
  return limitResult('admission-p99', 'ms at 100 reviews/s', quantile(during, 0.99) * 1000, GOAL_MS);
}

function judge(client: KubeClient, namespace: string, name: string): Promise<unknown> {
  const path = `/apis/serving.knative.dev/v1/namespaces/${namespace}/services`;
  return client.request('POST', path, { query: { dryRun: 'All' }, body: helloService(namespace, name) });
}

/** Of all pods together: API servers ask any of them. */
async function bucketsOf(pods: readonly Pod[]): Promise<Buckets> {
  const texts = pods.map(async ({ status }) => {
    const { body } = await request(`http://${status?.podIP}:${ADMIN_PORT}/metrics`);
    return body.text();
  });
  const lines = (await Promise.all(texts))
    .join('\n')
    .matchAll(/^homerun_admission_duration_seconds_bucket\{le="([^"]+)",.*\} (\d+)$/gm);
  const buckets: Buckets = new Map();
  for (const [, bound, count] of lines) {
    const seconds = bound === '+Inf' ? Number.POSITIVE_INFINITY : Number(bound);
    buckets.set(seconds, (buckets.get(seconds) ?? 0) + Number(count));
  }
  return buckets;
}

/** As Prometheus estimates it: evenly spread within the bucket. */
function quantile(buckets: readonly (readonly [bound: number, count: number])[], share: number): number {
  const sorted = buckets.toSorted(([a], [b]) => a - b);
  const wanted = (sorted.at(-1)?.[1] ?? 0) * share;
  const index = sorted.findIndex(([, count]) => count >= wanted);
  const [bound = Number.NaN, count = 0] = sorted[index] ?? [];
  const [lower = 0, below = 0] = sorted[index - 1] ?? [];
  return lower + ((bound - lower) * (wanted - below)) / (count - below);
}
