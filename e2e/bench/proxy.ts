import { latenciesOf } from './constantRate.ts';
import { startNginx } from './nginx.ts';
import { attempt, differenceResult, pairedResult, type Result, type Samples, table } from './result.ts';
import { MEASURED, OTHERS, Server } from './servers.ts';
import { slowReaderResult } from './slowReader.ts';
import { wrk } from './wrk.ts';

// The gateway as a proxy before one service, on one processor where the machine has two. No cluster is needed.

const REPETITIONS = 3;
/** The compiler has seen all of the path of a request after so many, which take some seconds at the most. */
const [WARM_REQUESTS, WARM_TURNS] = [30_000, 10];
const PHASES = [{ perSecond: 1000, seconds: 3 }];
/** Bodies by the name of their row: bytes, and over how many connections they are asked for. */
const BODIES = { '64k': [64 * 1024, 16], '10m': [10 * 1024 * 1024, 4] } as const;

export interface Turn {
  connections: number;
  seconds: number;
  path?: string | number;
  headers?: Record<string, string> | undefined;
}

/** The requests that a server answers in a turn, and the microseconds of its processor that one of them takes. */
export async function turn(
  server: Server,
  { connections, seconds, path = '', headers }: Turn,
): Promise<{ requests: number; micros: number }> {
  const before = server.cpuMicros();
  const url = `http://127.0.0.1:${server.port}/${path}`;
  const { requests } = await wrk({ connections, seconds, url, cpu: OTHERS, headers });
  return { requests, micros: (server.cpuMicros() - before) / requests };
}

/** Lets the compiler see the path of requests. */
export async function warm(server: Server, headers?: Turn['headers']): Promise<void> {
  let requests = 0;
  for (let i = 0; i < WARM_TURNS && requests < WARM_REQUESTS; i++) {
    requests += (await turn(server, { connections: 32, seconds: 1, headers })).requests;
  }
}

/**
 * Processor time per small keep-alive GET: through the gateway against node:http answering by itself. The two take
 * turns, so that what else the machine does falls on both.
 */
async function proxyCpu(repetitions = 15): Promise<Samples> {
  await using backend = await Server.start('backend', OTHERS);
  await using plain = await Server.start('plain', MEASURED);
  await using gateway = await Server.start('gateway', MEASURED, backend.port);
  await warm(plain);
  await warm(gateway);
  const micros = async (server: Server) => (await turn(server, { connections: 32, seconds: 1 })).micros;
  // Awaited here: the servers end with this function.
  return await alternated(
    repetitions,
    () => micros(gateway),
    () => micros(plain),
  );
}

/**
 * What one processor does in a second, through the gateway and through nginx before the same program. It is computed
 * from the processor time that they take: neither is made to look good by a load that does not use its processor up.
 */
async function nginxResults(): Promise<Result[]> {
  await using backend = await Server.start('backend', OTHERS);
  await using nginx = await startNginx(MEASURED, backend.port);
  await using gateway = await Server.start('gateway', MEASURED, backend.port);
  await warm(gateway);
  const row = async (name: string, unit: string, goal: number, of: Turn, amount = 1) => {
    const perSecond = async (server: Server) => (amount * 1e6) / (await turn(server, of)).micros;
    const samples = await alternated(
      REPETITIONS,
      () => perSecond(gateway),
      () => perSecond(nginx),
    );
    console.log(table(name, unit, samples));
    return pairedResult(name, unit, samples, goal, true);
  };
  const results = [
    await row('proxy-nginx-throughput', 'requests/s of one core', 0.35, { connections: 64, seconds: 2 }),
  ];
  for (const [name, [bytes, connections]] of Object.entries(BODIES)) {
    const of = { connections, seconds: 3, path: bytes };
    results.push(await row(`proxy-body-${name}`, 'MB/s of one core', 0.5, of, bytes / 1e6));
  }
  return results;
}

/** Latency in ms at 1,000 requests/s: through the gateway against straight to the program. */
async function latencyResults(): Promise<Result[]> {
  await using backend = await Server.start('backend', OTHERS);
  await using gateway = await Server.start('gateway', MEASURED, backend.port);
  await warm(gateway);
  const latencies = (server: Server) => latenciesOf(server, ['127.0.0.1'], PHASES);
  const pairs = await alternated(
    REPETITIONS,
    () => latencies(gateway),
    () => latencies(backend),
  );
  const results: Result[] = [];
  for (const [key, goal] of [
    ['p50', 0.5],
    ['p99', 3],
  ] as const) {
    const samples = { ours: pairs.ours.map((each) => each[key]), bare: pairs.bare.map((each) => each[key]) };
    console.log(table(`proxy-latency-${key}`, 'ms', samples));
    results.push(differenceResult(`proxy-latency-${key}`, 'ms added at 1,000 requests/s', samples, goal));
  }
  return results;
}

/** Runs both sides in turn. */
export async function alternated<T>(
  repetitions: number,
  ours: () => Promise<T>,
  bare: () => Promise<T>,
): Promise<{ ours: T[]; bare: T[] }> {
  const result: { ours: T[]; bare: T[] } = { ours: [], bare: [] };
  for (let i = 0; i < repetitions; i++) {
    result.bare.push(await bare());
    result.ours.push(await ours());
  }
  return result;
}

async function cpuResult(): Promise<Result> {
  const cpu = await proxyCpu();
  console.log(table('proxy-cpu', 'us', cpu));
  return pairedResult('proxy-cpu', 'us per request', cpu, 2.5);
}

/** The benches of the gateway as a proxy. */
export async function proxyResults(): Promise<Result[]> {
  return [
    ...(await attempt('proxy-cpu', cpuResult)),
    ...(await attempt('proxy-nginx', nginxResults)),
    ...(await attempt('proxy-latency', latencyResults)),
    ...(await attempt('proxy-slow-reader-rss', slowReaderResult)),
  ];
}
