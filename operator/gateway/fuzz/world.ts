import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { collectGarbage } from '../shared/garbage.ts';
import type { Protocol } from '../shared/messages.ts';
import { Harness } from '../testing/harness.ts';
import { Stopwatch } from './stopwatch.ts';

/** No request may take longer, whatever the other side does. */
export const HANG_MS = 5000;
/** What a revision of the fuzzers allows a request. */
export const TIMEOUT_MS = 3000;

/** One host of the gateway with one revision and one instance, for one lane alone. */
export interface Place {
  host: string;
  key: string;
  slot: number;
  index: number;
}

/** A gateway in this process, with a tenant whom nothing that the fuzzers do may touch. */
export class World {
  readonly harness = new Harness();
  readonly steady = new Steady();
  #made = 0;

  async open(): Promise<this> {
    await this.harness.listen();
    await this.steady.start(this.harness);
    return this;
  }

  get port(): number {
    return this.harness.port;
  }

  /** Gives an instance at this port a host of its own. */
  place(protocol: Protocol, port: number): Place {
    const index = ++this.#made;
    // Nothing that a mutation of one byte can make of another's, and of one length, so that a case alone is the same case.
    const number = String(index).padStart(6, '0');
    const host = `h${number}-${number}.test`;
    const key = `fuzz/r${index}`;
    const [slot = -1] = this.harness.serve(host, { key, protocol, ports: [port], timeoutMs: TIMEOUT_MS });
    return { host, key, slot, index };
  }

  /** Whether no request is in flight to this instance or waits for it. */
  idle({ slot, index }: Place): boolean {
    return this.harness.slots.inFlight(slot) === 0 && this.harness.slots.waiting(index) === 0;
  }

  remove({ host, key, slot }: Place): void {
    this.harness.route(host, undefined);
    this.harness.removeInstance(slot);
    this.harness.removeRevision(key);
  }
}

/** Another tenant: 50 requests a second, each of which must be answered with 200 in time. */
export class Steady {
  readonly failures = new Map<string, number>();
  asked = 0;
  slowestMs = 0;
  #open = 0;
  #timer: NodeJS.Timeout | undefined;
  #server: Server | undefined;
  readonly #agent = new Agent({ keepAlive: true });

  async start(harness: Harness): Promise<void> {
    const server = createServer((_request, response) => response.end('steady'));
    const port = await listen(server);
    this.#server = server;
    harness.serve('steady.test', { key: 'fuzz/steady', ports: [port] });
    this.#timer = setInterval(() => this.#ask(harness.port), 20);
  }

  /** Waits for the last answers. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    const watch = new Stopwatch();
    while (this.#open > 0 && watch.fairMs < HANG_MS) await pause(10);
    if (this.#open > 0) this.#failed('no answer');
    this.#agent.destroy();
    this.#server?.close();
  }

  #ask(port: number): void {
    const watch = new Stopwatch();
    this.asked++;
    this.#open++;
    const done = (failure?: string): void => {
      this.#open--;
      const took = watch.fairMs;
      this.slowestMs = Math.max(this.slowestMs, took);
      if (failure) this.#failed(failure);
      else if (took > HANG_MS) this.#failed('too late');
    };
    const call = request({ port, headers: { host: 'steady.test' }, agent: this.#agent }, (response) => {
      response.resume();
      response.on('end', () =>
        done(response.statusCode === 200 ? undefined : `status ${response.statusCode}`),
      );
    });
    call.on('error', (error) => done(error.message));
    call.end();
  }

  #failed(why: string): void {
    this.failures.set(why, (this.failures.get(why) ?? 0) + 1);
  }
}

export async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** @returns bytes in use once everything unused is gone, for which some of it takes two collections. */
export async function usedMemory(): Promise<number> {
  collectGarbage();
  await turn();
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
