import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from '../lib/load.ts';
import { OTHERS, ready } from './servers.ts';

export interface Sent {
  method: string;
  path: string;
  /** JSON. */
  body?: string;
}

/** Requests that are sent in turn, so many a second. */
export interface Stream {
  name: string;
  perSecond: number;
  requests: Sent[];
}

export interface AdminLoad {
  port: number;
  /** PEM of the authority of the server's certificate. */
  ca: string;
  token: string;
  /** So long at first requests do not count: connections are opened, and this process compiles its own code. */
  warmSeconds: number;
  seconds: number;
  streams: Stream[];
}

/** What a stream met: latencies in ms up to the last byte of an answer. */
export interface StreamOutcome {
  sent: number;
  p50: number;
  p99: number;
}

/**
 * Sends requests over HTTPS and HTTP/1.1 as gcloud does, at constant rates, whether or not earlier ones are answered, from a
 * process of its own.
 * @returns outcomes by the names of the streams.
 * @throws when a request is not answered with 200.
 */
export async function adminLoad(load: AdminLoad): Promise<Record<string, StreamOutcome>> {
  const child = fork(new URL(import.meta.url));
  await ready(child, 'the load', OTHERS);
  const answer = once(child, 'message');
  child.send(load);
  const [outcome] = await Promise.race([answer, once(child, 'exit')]);
  if (typeof outcome !== 'object' || !outcome) throw new Error(`the load ended early: ${outcome}`);
  return outcome as Record<string, StreamOutcome>;
}

async function run(load: AdminLoad): Promise<Record<string, StreamOutcome>> {
  const agent = new Agent({ keepAlive: true, ca: load.ca });
  const outcomes = load.streams.map(
    async (stream) => [stream.name, await flow(stream, load, agent)] as const,
  );
  const found = Object.fromEntries(await Promise.all(outcomes));
  agent.destroy();
  return found;
}

async function flow({ perSecond, requests }: Stream, load: AdminLoad, agent: Agent): Promise<StreamOutcome> {
  const running: Promise<number>[] = [];
  const start = performance.now();
  const warm = load.warmSeconds * perSecond;
  const all = warm + load.seconds * perSecond;
  while (running.length < all) {
    const due = Math.min(all, ((performance.now() - start) / 1000) * perSecond);
    while (running.length < due) {
      running.push(ask(requests[running.length % requests.length] as Sent, load, agent));
    }
    await sleep(1);
  }
  const latencies = (await Promise.all(running)).slice(warm);
  return { sent: latencies.length, p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99) };
}

function ask({ method, path, body = '' }: Sent, { port, token }: AdminLoad, agent: Agent): Promise<number> {
  const begun = performance.now();
  const headers = {
    authorization: `Bearer ${token}`,
    ...(body && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
  };
  return new Promise((resolve, reject) => {
    const sent = request({ host: 'localhost', port, method, path, headers, agent }, (response) => {
      const { statusCode } = response;
      if (statusCode !== 200) reject(new Error(`${method} ${path} was answered with ${statusCode}`));
      response.on('end', () => resolve(performance.now() - begun)).resume();
    });
    sent.on('error', reject).end(body);
  });
}

if (import.meta.main) {
  process.once('message', (load) => {
    void run(load as AdminLoad).then((outcome) => process.send?.(outcome, () => process.exit()));
  });
  process.on('disconnect', () => process.exit());
  process.send?.('ready');
}
