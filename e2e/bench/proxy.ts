import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { freePort } from '../../operator/testing/freePort.ts';
import { percentile } from '../lib/load.ts';
import { type Result, ratioResult, round, type Samples, table } from './result.ts';

/** Connections that the load keeps open, each with one request at a time. */
const CONNECTIONS = 32;
const SECONDS = 1;
const RATE = 200;

/** One server process, alone on a processor where the machine has two. */
class Server {
  readonly port: number;
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess, port: number) {
    this.#process = process;
    this.port = port;
  }

  static async start(role: string, cpu: number | undefined, ...args: number[]): Promise<Server> {
    const port = await freePort();
    const child = fork(new URL('./proxyServer.ts', import.meta.url), [
      role,
      String(port),
      ...args.map(String),
    ]);
    if (cpu !== undefined) spawnSync('taskset', ['-acp', String(cpu), String(child.pid)]);
    await once(child, 'message');
    if (cpu !== undefined) spawnSync('taskset', ['-acp', String(cpu), String(child.pid)]);
    return new Server(child, port);
  }

  /** Processor time of all its threads so far, in microseconds. */
  cpuMicros(): number {
    const tasks = `/proc/${this.#process.pid}/task`;
    let nanos = 0;
    for (const task of readdirSync(tasks)) {
      nanos += Number(readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ', 1)[0]);
    }
    return nanos / 1000;
  }

  stop(): void {
    this.#process.kill();
  }
}

interface Setup {
  backend: Server;
  plain: Server;
  gateway: Server;
  loadCpu: number | undefined;
}

async function withServers<T>(pinned: boolean, run: (setup: Setup) => Promise<T>): Promise<T> {
  const pin = pinned && availableParallelism() > 1 && spawnSync('taskset', ['--version']).status === 0;
  const backend = await Server.start('backend', pin ? 1 : undefined);
  const plain = await Server.start('plain', pin ? 0 : undefined);
  const gateway = await Server.start('gateway', pin ? 0 : undefined, backend.port);
  try {
    return await run({ backend, plain, gateway, loadCpu: pin ? 1 : undefined });
  } finally {
    for (const server of [backend, plain, gateway]) server.stop();
  }
}

/**
 * Processor time per small keep-alive GET: through the gateway against node:http answering by itself. The two take
 * turns, so that what else the machine does falls on both.
 */
export function proxyCpu(samples = 15): Promise<Samples> {
  return withServers(true, async ({ plain, gateway, loadCpu }) => {
    const result: Samples = { ours: [], bare: [] };
    // The first turns of both are for the compiler.
    for (let i = -3; i < samples; i++) {
      const bare = microsPerRequest(plain, loadCpu);
      const ours = microsPerRequest(gateway, loadCpu);
      if (i < 0) continue;
      result.bare.push(bare);
      result.ours.push(ours);
    }
    return result;
  });
}

function microsPerRequest(server: Server, cpu: number | undefined): number {
  const before = server.cpuMicros();
  const requests = wrk(server.port, cpu);
  return (server.cpuMicros() - before) / requests;
}

/** @returns how many requests were answered. @throws when one failed, or wrk is not there. */
function wrk(port: number, cpu: number | undefined): number {
  const command = ['wrk', '-t1', `-c${CONNECTIONS}`, `-d${SECONDS}s`, `http://127.0.0.1:${port}/`];
  const pinned = cpu === undefined ? command : ['taskset', '-c', String(cpu), ...command];
  const { stdout, error } = spawnSync(pinned[0] as string, pinned.slice(1), { encoding: 'utf8' });
  const requests = Number(/(\d+) requests in/.exec(stdout ?? '')?.[1]);
  if (error || !requests)
    throw new Error('wrk gave no result; install it (Debian package: wrk)', { cause: error });
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`requests failed:\n${stdout}`);
  return requests;
}

/** Latency in ms at a constant 200 requests/s: through the gateway against straight to the program. */
export function proxyLatency(samples = 15): Promise<Samples> {
  return withServers(false, async ({ backend, gateway }) => {
    const result: Samples = { ours: [], bare: [] };
    for (let i = -2; i < samples; i++) {
      const bare = await medianLatency(backend.port);
      const ours = await medianLatency(gateway.port);
      if (i < 0) continue;
      result.bare.push(bare);
      result.ours.push(ours);
    }
    return result;
  });
}

/** The median of one second at {@link RATE}. A request is sent when its time has come, answered or not. */
async function medianLatency(port: number): Promise<number> {
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: 16, pipelining: 1 });
  const latencies: number[] = [];
  const one = async (): Promise<void> => {
    const from = performance.now();
    const { statusCode, body } = await pool.request({ path: '/', method: 'GET' });
    await body.dump();
    if (statusCode !== 200) throw new Error(`status ${statusCode}`);
    latencies.push(performance.now() - from);
  };
  const running: Promise<void>[] = [];
  const start = performance.now();
  for (let i = 0; i < RATE; i++) {
    const wait = start + (i * 1000) / RATE - performance.now();
    if (wait > 0) await sleep(wait);
    running.push(one());
  }
  await Promise.all(running);
  await pool.close();
  return percentile(latencies, 0.5);
}

/** What a difference is judged by is itself, not its ratio. */
function differenceResult(name: string, unit: string, { ours, bare }: Samples, goal: number): Result {
  const baseline = percentile(bare, 0.5);
  const value = percentile(ours, 0.5) - baseline;
  const ratio = round(percentile(ours, 0.5) / baseline, 3);
  return {
    name,
    unit,
    value: round(value, 3),
    baseline: round(baseline, 3),
    ratio,
    goal,
    holds: value <= goal,
  };
}

/** Both benches of the gateway as a proxy; they need no cluster. */
export async function proxyResults(): Promise<Result[]> {
  const cpu = await proxyCpu();
  console.log(table('proxy-cpu', 'us', cpu));
  const latency = await proxyLatency();
  console.log(table('proxy-latency-p50', 'ms', latency));
  return [
    ratioResult('proxy-cpu', 'us per request', cpu, 3.5),
    differenceResult('proxy-latency-p50', 'ms added', latency, 1),
  ];
}

if (import.meta.main) {
  const results = await proxyResults();
  console.log(JSON.stringify(results, null, 2));
  process.exitCode = results.every(({ holds }) => holds) ? 0 : 1;
}
