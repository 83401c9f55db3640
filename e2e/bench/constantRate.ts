import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from '../lib/load.ts';
import { OTHERS, ready, type Server } from './servers.ts';

export interface Phase {
  perSecond: number;
  seconds: number;
}

export interface Rate {
  host: string;
  port: number;
  /** They are asked for in turn. */
  names: string[];
  phases: Phase[];
}

export interface Outcome {
  sent: number;
  /** What went wrong, for each request that was not answered with 200. */
  failures: string[];
  /** Latencies in ms. */
  p50: number;
  p99: number;
}

/**
 * Sends small requests at a constant rate, whether or not earlier ones are answered, one phase after the other, from a
 * process of its own.
 */
export async function constantRate(rate: Rate, cpu?: number): Promise<Outcome> {
  const child = fork(new URL(import.meta.url), [JSON.stringify(rate)]);
  await ready(child, 'the load', cpu);
  const answer = once(child, 'message');
  child.send('go');
  const [outcome] = (await Promise.race([answer, once(child, 'exit')])) as [Outcome | number | null];
  if (typeof outcome !== 'object' || !outcome) throw new Error('the load at a constant rate ended early');
  return outcome;
}

/** What a server on loopback does under such a load. @throws when a request fails. */
export async function latenciesOf({ port }: Server, names: string[], phases: Phase[]): Promise<Outcome> {
  const outcome = await constantRate({ host: '127.0.0.1', port, names, phases }, OTHERS);
  if (outcome.failures.length > 0) throw new Error(`a request failed: ${outcome.failures[0]}`);
  return outcome;
}

/** The load itself. */
class Load {
  readonly #rate: Rate;
  /** Connections without a request; the last used is taken first. */
  #idle: Socket[] = [];
  readonly #sentAt = new Map<Socket, number>();
  readonly #latencies: number[] = [];
  readonly #failures: string[] = [];
  #sent = 0;

  constructor(rate: Rate) {
    this.#rate = rate;
  }

  async run(): Promise<Outcome> {
    const { names, phases } = this.#rate;
    const requests = names.map((name) => Buffer.from(`GET / HTTP/1.1\r\nHost: ${name}\r\n\r\n`));
    for (const { perSecond, seconds } of phases) {
      const [start, before] = [performance.now(), this.#sent];
      for (;;) {
        const due = before + Math.min(seconds, (performance.now() - start) / 1000) * perSecond;
        while (this.#sent < due) this.#ask(requests[this.#sent++ % requests.length] as Buffer);
        if (due >= before + seconds * perSecond) break;
        await sleep(1);
      }
    }
    while (this.#latencies.length + this.#failures.length < this.#sent) await sleep(1);
    const [p50, p99] = [percentile(this.#latencies, 0.5), percentile(this.#latencies, 0.99)];
    return { sent: this.#sent, failures: this.#failures, p50, p99 };
  }

  #ask(request: Buffer): void {
    const socket = this.#idle.pop() ?? this.#open();
    this.#sentAt.set(socket, performance.now());
    socket.write(request);
  }

  #open(): Socket {
    const { host, port } = this.#rate;
    const socket = connect({ port, host, noDelay: true });
    // The answers are small: each comes in one piece.
    socket.on('data', (part) => this.#answered(socket, part.toString('latin1')));
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#idle = this.#idle.filter((each) => each !== socket);
      if (this.#sentAt.delete(socket)) this.#failures.push('the connection was closed');
    });
    return socket;
  }

  #answered(socket: Socket, answer: string): void {
    const sentAt = this.#sentAt.get(socket);
    if (sentAt === undefined) return;
    this.#sentAt.delete(socket);
    if (answer.startsWith('HTTP/1.1 200 ')) this.#latencies.push(performance.now() - sentAt);
    else this.#failures.push(answer);
    if (!/^connection: close\r$/im.test(answer)) this.#idle.push(socket);
  }
}

if (import.meta.main) {
  process.once('message', () => {
    void new Load(JSON.parse(process.argv[2] as string)).run().then((outcome) => {
      process.send?.(outcome, () => process.exit());
    });
  });
  process.on('disconnect', () => process.exit());
  process.send?.('ready');
}
