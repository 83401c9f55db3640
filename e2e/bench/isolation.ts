import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { latenciesOf } from './constantRate.ts';
import { pairedResult, type Result, table } from './result.ts';
import { MEASURED, OTHERS, ready, Server } from './servers.ts';
import { wrk } from './wrk.ts';

const REPETITIONS = 3;
const SERVICES = 20;
/** Clients of the hostile service, all from one address. */
const CLIENTS = 3000;
/** Small requests at a constant rate, a good deal below what the gateway can do. */
const PHASES = [{ perSecond: 1000, seconds: 5 }];
/** It names the services; see proxyServer.ts. */
const SCRIPT = fileURLToPath(new URL('./hosts.lua', import.meta.url));
const NAMES = Array.from({ length: SERVICES }, (_, i) => `steady-${i}`);

interface Figures {
  perSecond: number;
  p99: number;
}

/**
 * What one hostile service costs twenty steady ones before the same gateway: their throughput when they use all of it,
 * and their 99th percentile at a constant rate. The service takes one request at a time and is either flooded, so that
 * most clients wait for long and are rejected, or never answers. The worse of the two counts.
 */
export async function isolationResults(): Promise<Result[]> {
  await using steady = await Server.start('backend', OTHERS);
  await using slow = await Server.start('slow', OTHERS);
  await using stuck = await Server.start('stuck', OTHERS);
  const args = (hostile: Server) => [steady.port, hostile.port, SERVICES];
  await using flooded = await Server.start('neighbours', MEASURED, ...args(slow));
  await using blocked = await Server.start('neighbours', MEASURED, ...args(stuck));
  const kinds = [
    { kind: 'flooded', gateway: flooded },
    { kind: 'stuck', gateway: blocked },
  ];
  const results: Result[][] = [];
  for (const { kind, gateway } of kinds) {
    await figures(gateway);
    const [ours, bare]: Figures[][] = [[], []];
    for (let i = 0; i < REPETITIONS; i++) {
      bare?.push(await figures(gateway));
      ours?.push(await besideFlood(gateway));
    }
    results.push(resultsOf(kind, ours as Figures[], bare as Figures[]));
  }
  return results[0]?.map((first, i) => worse(first, results[1]?.[i] as Result)) ?? [];
}

function resultsOf(kind: string, ours: Figures[], bare: Figures[]): Result[] {
  const samples = (key: keyof Figures) => ({
    ours: ours.map((each) => each[key]),
    bare: bare.map((each) => each[key]),
  });
  console.log(table(`isolation-throughput ${kind}`, 'requests/s', samples('perSecond')));
  console.log(table(`isolation-p99 ${kind}`, 'ms', samples('p99')));
  return [
    pairedResult(
      'isolation-throughput',
      `requests/s beside a ${kind} service`,
      samples('perSecond'),
      0.9,
      true,
    ),
    pairedResult('isolation-p99', `ms beside a ${kind} service`, samples('p99'), 1.1),
  ];
}

function worse(a: Result, b: Result): Result {
  const better = a.atLeast ? a.ratio > b.ratio : a.ratio < b.ratio;
  return better ? b : a;
}

async function figures(gateway: Server): Promise<Figures> {
  const url = `http://127.0.0.1:${gateway.port}/`;
  const { perSecond } = await wrk({ connections: 64, seconds: 3, url, cpu: OTHERS, script: SCRIPT });
  const { p99 } = await latenciesOf(gateway, NAMES, PHASES);
  return { perSecond, p99 };
}

async function besideFlood(gateway: Server): Promise<Figures> {
  const file = new URL('./flood.ts', import.meta.url);
  const flood = fork(file, ['hostile', String(gateway.port), String(CLIENTS)]);
  try {
    await ready(flood, 'the flood', OTHERS);
    return await figures(gateway);
  } finally {
    const ended = once(flood, 'exit');
    flood.kill('SIGKILL');
    await ended;
  }
}
