import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { listen, reply } from '../../operator/testing/fakeHttp.ts';

/** A queue whose length is asked for as Cloud Monitoring is asked: by a query of Prometheus' HTTP API. */
export class Queue {
  /** Messages that wait. */
  length = 0;
  /** The queries so far. */
  readonly queries = new Set<string>();
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    server.on('request', ({ url }, response) => {
      const { pathname, searchParams } = new URL(url ?? '/', this.address);
      if (pathname !== '/api/v1/query') return reply(response, 404, { status: 'error' });
      this.queries.add(searchParams.get('query') ?? '');
      const result = [{ metric: {}, value: [Date.now() / 1000, String(this.length)] }];
      reply(response, 200, { status: 'success', data: { resultType: 'vector', result } });
    });
  }

  static async start(): Promise<Queue> {
    return new Queue(await listen(0));
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
