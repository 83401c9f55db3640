import { podsOf } from '../lib/cluster.ts';
import { withReplicas } from '../lib/roles.ts';
import { countResult, pairedResult, type Result, type Samples, table } from './result.ts';
import { type Bench, withService } from './watches.ts';
import { wrk } from './wrk.ts';

const REPETITIONS = 3;
const GATEWAYS = 3;
const REQUESTS = 200_000;
const LOAD = { connections: 200, seconds: 10 };
const SCALE = { min: 'autoscaling.knative.dev/minScale', max: 'autoscaling.knative.dev/maxScale' };

/**
 * 200 clients of programs that take one request at a time, through three gateways against one: throughput, and whether a
 * program had more than one in 200,000 requests.
 */
export function exactCounts(bench: Bench): Promise<Result[]> {
  const annotations = { [SCALE.min]: '2', [SCALE.max]: '2' };
  return withService(bench, 'counts', { concurrency: 1, annotations }, (url) => countsOf(url, bench));
}

async function countsOf(url: string, { client, namespace, gateway }: Bench): Promise<Result[]> {
  const headers = { Host: new URL(url).host };
  const load = () => wrk({ ...LOAD, url: `http://${gateway.host}:${gateway.port}/`, headers });
  const rates: Samples = { ours: [], bare: [] };
  let sent = 0;
  const shared = async (): Promise<number> => {
    const { requests, perSecond } = await load();
    sent += requests;
    return perSecond;
  };
  await load();
  for (let i = 0; i < REPETITIONS; i++) {
    rates.bare.push((await withReplicas(client, 'gateway', 1, load)).perSecond);
    await withReplicas(client, 'gateway', GATEWAYS, async () => {
      rates.ours.push(await shared());
      while (i === REPETITIONS - 1 && sent < REQUESTS) await shared();
    });
  }
  console.log(table('exact-counts-throughput', 'requests/s', rates));
  const most = Math.max(...(await Promise.all((await podsOf(client, namespace, 'counts')).map(mostAtOnce))));
  return [
    pairedResult('exact-counts-throughput', 'requests/s', rates, 0.7, true),
    countResult('exact-counts', `requests more than one at once, of ${sent}`, most - 1),
  ];
}

async function mostAtOnce({ status }: { status?: { podIP?: string } }): Promise<number> {
  const response = await fetch(`http://${status?.podIP}:8080/concurrency`);
  return ((await response.json()) as { most: number }).most;
}
