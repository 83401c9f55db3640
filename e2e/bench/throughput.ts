import { readdir, readFile } from 'node:fs/promises';
import { podsOf } from '../lib/cluster.ts';
import { readyService } from '../lib/services.ts';
import { constantRate } from './constantRate.ts';
import { podOf } from './pods.ts';
import { countResult, pairedResult, type Result, table } from './result.ts';
import { cpuMicrosOf } from './servers.ts';
import { type Bench, noPods, withService } from './watches.ts';
import { wrk } from './wrk.ts';

const REPETITIONS = 3;
const LOAD = { connections: 64, seconds: 5 };
const SCALE = { min: 'autoscaling.knative.dev/minScale', max: 'autoscaling.knative.dev/maxScale' };
const IDLE = 'autoscaling.knative.dev/scale-to-zero-pod-retention-period';
/** From nothing to 3,000 requests/s in a minute. */
const STEPS = [500, 1000, 1500, 2000, 2500, 3000].map((perSecond) => ({ perSecond, seconds: 10 }));

interface Turn {
  perSecond: number;
  /** Processor time of one request, in microseconds: of the program, and of the gateway. */
  app: number;
  gateway: number;
}

/**
 * Small requests over 64 connections, through the gateway's node port against straight to the only pod: throughput, and
 * the processor time that the gateway adds to that of the program alone.
 */
export function clusterThroughput(bench: Bench): Promise<Result[]> {
  const annotations = { [SCALE.min]: '1', [SCALE.max]: '1' };
  return withService(bench, 'throughput', { annotations }, (url) => throughputOf(url, bench));
}

async function throughputOf(url: string, { client, namespace, gateway }: Bench): Promise<Result[]> {
  const [pod] = await podsOf(client, namespace, 'throughput');
  const [app, own] = [
    await processOf('K_SERVICE', 'throughput'),
    await processOf('POD_NAME', (await podOf(client, 'gateway')).metadata.name),
  ];
  const turn = async (target: string): Promise<Turn> => {
    const before = [cpuMicrosOf(app), cpuMicrosOf(own)] as const;
    const headers = { Host: new URL(url).host };
    const { requests, perSecond } = await wrk({ ...LOAD, url: target, headers });
    const used = (pid: number, from: number) => (cpuMicrosOf(pid) - from) / requests;
    return { perSecond, app: used(app, before[0]), gateway: used(own, before[1]) };
  };
  const direct = () => turn(`http://${pod?.status?.podIP}:8080/`);
  const through = () => turn(`http://${gateway.host}:${gateway.port}/`);
  await direct();
  await through();
  const [ours, bare]: [Turn[], Turn[]] = [[], []];
  for (let i = 0; i < REPETITIONS; i++) {
    bare.push(await direct());
    ours.push(await through());
  }
  const rates = {
    ours: ours.map(({ perSecond }) => perSecond),
    bare: bare.map(({ perSecond }) => perSecond),
  };
  const micros = { ours: ours.map(({ gateway }) => gateway), bare: bare.map(({ app }) => app) };
  console.log(table('cluster-throughput', 'requests/s', rates));
  console.log(table('cluster-cpu', 'us', micros));
  return [
    pairedResult('cluster-throughput', 'requests/s', rates, 0.45, true),
    pairedResult('cluster-cpu', 'us added per request', micros, 2.5),
  ];
}

/** Load that rises in steps at a service at zero: how many requests fail. */
export async function steps(bench: Bench): Promise<Result> {
  const { client, namespace, gateway } = bench;
  const annotations = { [IDLE]: '1s', [SCALE.max]: '10' };
  const { url } = await readyService(client, namespace, 'steps', { annotations });
  await noPods(bench);
  const { host: name } = new URL(url);
  const { sent, failures, p50, p99 } = await constantRate({ ...gateway, names: [name], phases: STEPS });
  console.log(`steps\n  homerun    n=${sent} p50 ${p50.toFixed(1)} ms  p99 ${p99.toFixed(1)} ms`);
  if (failures.length > 0) console.log(`  first failure: ${failures[0]}`);
  return countResult('steps', `requests of ${sent} failed`, failures.length);
}

/** A process on the node by a variable of its environment: the node's processes are this machine's, with kind too. */
async function processOf(variable: string, value: string): Promise<number> {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    if (environment.split('\0').includes(`${variable}=${value}`)) return Number(pid);
  }
  throw new Error(`no process with ${variable}=${value} was found`);
}
