import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from '../lib/load.ts';
import { ready } from './servers.ts';

export interface Rate {
  port: number;
  perSecond: number;
  seconds: number;
  /** They are asked in turn. */
  hosts: string[];
}

/** In ms. */
export interface Latencies {
  p50: number;
  p99: number;
}

/**
 * Latencies of small requests that are sent at a constant rate, whether or not earlier ones are answered, by a process
 * of its own.
 * @throws when one is not answered with 200.
 */
export async function constantRate(rate: Rate, cpu?: number): Promise<Latencies> {
  const child = fork(new URL(import.meta.url), [JSON.stringify(rate)]);
  await ready(child, 'the load', cpu);
  const answer = once(child, 'message');
  child.send('go');
  const [latencies] = (await Promise.race([answer, once(child, 'exit')])) as [Latencies | number];
  if (typeof latencies === 'number') throw new Error('requests at a constant rate failed');
  return latencies;
}

/** Connections without a request, the last used first. */
const idle: Socket[] = [];
const latencies: number[] = [];

async function run({ port, perSecond, seconds, hosts }: Rate): Promise<Latencies> {
  const requests = hosts.map((host) => Buffer.from(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`));
  const total = perSecond * seconds;
  const start = performance.now();
  for (let sent = 0; sent < total; ) {
    const due = Math.min(total, ((performance.now() - start) / 1000) * perSecond);
    for (; sent < due; sent++) await ask(port, requests[sent % requests.length] as Buffer);
    await sleep(1);
  }
  while (latencies.length < total) await sleep(1);
  return { p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99) };
}

async function ask(port: number, request: Buffer): Promise<void> {
  const socket = idle.pop() ?? (await open(port));
  sentAt.set(socket, performance.now());
  socket.write(request);
}

const sentAt = new WeakMap<Socket, number>();

/** The answers are small: each comes in one piece. */
async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.on('data', (answer) => {
    if (answer.toString('latin1', 9, 12) !== '200') throw new Error(answer.toString('latin1'));
    latencies.push(performance.now() - (sentAt.get(socket) as number));
    idle.push(socket);
  });
  socket.on('close', () => {
    throw new Error('a connection was closed');
  });
  await once(socket, 'connect');
  return socket;
}

if (import.meta.main) {
  process.once('message', () => {
    void run(JSON.parse(process.argv[2] as string)).then((result) => {
      process.send?.(result);
      process.exit();
    });
  });
  process.send?.('ready');
}
