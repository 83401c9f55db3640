import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Http2Server } from 'node:http2';
import type { Downstream } from '../downstream/downstream.ts';
import { Http2Upstream } from './http2.ts';
import type { UpstreamEvents } from './upstream.ts';

describe('Http2Upstream', () => {
  let server: Http2Server;

  before(async () => {
    server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
  });

  after(() => server.close());

  it('reports a connection that came after its time as not made', async () => {
    const { port } = server.address() as { port: number };
    const failed = new Promise<[Error & { code?: string }, boolean]>((resolve) => {
      const downstream = { method: 'GET', hasBody: false } as Downstream;
      const upstreamFailed: UpstreamEvents['upstreamFailed'] = (error, begun) => resolve([error, begun]);
      new Http2Upstream('127.0.0.1', port).send({ downstream, upstreamFailed } as UpstreamEvents, false);
    });
    // A thread that is held up longer than the connection may take: its time has passed when both are noticed, and Node
    // reports the session that was destroyed then as connected.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5100);
    const [error, begun] = await failed;
    assert.deepEqual([error.code, begun], ['ETIMEDOUT', false]);
  });
});
