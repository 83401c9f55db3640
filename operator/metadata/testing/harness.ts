import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Config, parseConfig } from '../../config.ts';
import { FakeApiServer } from '../../testing/fakeApiServer.ts';
import { silent, until } from '../../testing/until.ts';
import { Callers } from '../callers.ts';
import { Issuer } from '../issuer.ts';
import { Projects } from '../projects.ts';
import { createMetadataServer } from '../server.ts';

/**
 * The metadata server on loopback, with a fake API server. Loopback has many addresses: a pod of a test has one of
 * its own, and a client that sends from it is that pod.
 */
export class Harness {
  readonly api: FakeApiServer;
  readonly origin: string;
  readonly #clock: { now: number };
  readonly #server: Server;
  readonly #stop: () => Promise<void>;

  private constructor(api: FakeApiServer, clock: { now: number }, server: Server, stop: () => Promise<void>) {
    this.api = api;
    this.#clock = clock;
    this.#server = server;
    this.#stop = stop;
    this.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** @param seed puts objects where the watch finds them from the start. */
  static async start(settings: object, seed: (api: FakeApiServer) => void): Promise<Harness> {
    const api = await FakeApiServer.start();
    seed(api);
    const config: Config = parseConfig(settings);
    const clock = { now: Date.now() };
    const now = () => clock.now;
    const stop = new AbortController();
    const callers = new Callers({ client: api.client, log: silent, waitMs: 300 });
    const issuer = new Issuer({ client: api.client, config: config.metadata.workloadIdentity, now });
    const projects = new Projects(api.client, config.metadata, now);
    const server = createMetadataServer({ config, callers, issuer, projects, log: silent, now });
    const running = callers.informer.run(stop.signal);
    await callers.informer.synced;
    await until('the watch to be open', () => api.watches === 1);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Harness(api, clock, server, async () => {
      stop.abort();
      await running;
    });
  }

  /** Lets time pass for tokens, not for timers. */
  pass(ms: number): void {
    this.#clock.now += ms;
  }

  async close(): Promise<void> {
    await this.#stop();
    this.#server.close();
    this.#server.closeAllConnections();
    await this.api.close();
  }
}
