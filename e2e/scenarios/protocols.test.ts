import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as grpc from '@grpc/grpc-js';
import WebSocket from 'ws';
import { type Address, gatewayAddress } from '../lib/cluster.ts';
import { readyService } from '../lib/services.ts';
import { useSuite } from '../lib/suite.ts';

/** One of the echo service's methods; its messages are bytes, so no generated code is needed. */
const bytes = (value: Buffer) => value;
const method = (name: string, streams: boolean) => ({
  path: `/homerun.test.Echo/${name}`,
  requestStream: streams,
  responseStream: streams,
  requestSerialize: bytes,
  requestDeserialize: bytes,
  responseSerialize: bytes,
  responseDeserialize: bytes,
});

describe('protocols', function () {
  this.timeout(300_000);
  const suite = useSuite('e2e-protocols');
  let gateway: Address;
  let url: string;

  before(async function () {
    this.timeout(300_000);
    gateway = await gatewayAddress(suite.client);
    ({ url } = await readyService(suite.client, suite.namespace, 'web', { timeoutSeconds: 3 }));
    await readyService(suite.client, suite.namespace, 'rpc', { h2c: true });
  });

  function rpc(): grpc.Client {
    return new grpc.Client(`${gateway.host}:${gateway.port}`, grpc.credentials.createInsecure(), {
      'grpc.default_authority': `rpc.${suite.namespace}.localhost`,
    });
  }

  it('HTTP/1.1: bodies, headers and the forwarding headers arrive', async () => {
    const body = 'x'.repeat(3_000_000);
    const echoed = await suite.visitor.ask(`${url}/echo`, { method: 'POST', body });
    assert.equal(echoed.body.length, body.length);
    const seen = await suite.visitor.ask(`${url}/headers`, { headers: { 'x-forwarded-for': '192.0.2.7' } });
    const { host, headers } = JSON.parse(seen.body) as { host: string; headers: Record<string, string[]> };
    assert.equal(host, `web.${suite.namespace}.localhost`);
    assert.match(headers['X-Forwarded-For']?.join() ?? '', /^192\.0\.2\.7, /);
    assert.equal(headers['X-Forwarded-Proto']?.join(), 'http');
    assert.match(headers.Forwarded?.join() ?? '', /proto=http/);
  });

  it('streams arrive piece by piece', async () => {
    const start = performance.now();
    const answer = await fetchStream(`/stream?n=5&ms=200`);
    const first = answer.next().then(() => performance.now() - start);
    assert.ok((await first) < 700, 'the first line waited for the last');
    let rest = 0;
    for await (const _ of answer) rest++;
    assert.ok(rest > 0);
  });

  async function* fetchStream(path: string): AsyncGenerator<string> {
    const { request } = await import('node:http');
    const req = request({ ...gateway, path, headers: { host: `web.${suite.namespace}.localhost` } });
    req.end();
    const [answer] = (await once(req, 'response')) as [AsyncIterable<Buffer>];
    for await (const chunk of answer) yield String(chunk);
  }

  it('a request beyond timeoutSeconds ends with 504', async () => {
    const start = performance.now();
    const { status } = await suite.visitor.ask(`${url}/sleep?ms=20000`);
    const seconds = (performance.now() - start) / 1000;
    assert.equal(status, 504);
    assert.ok(seconds > 2.5 && seconds < 15, `after ${seconds} s`);
  });

  it('WebSocket messages go both ways', async () => {
    const socket = new WebSocket(`ws://${gateway.host}:${gateway.port}/ws`, {
      headers: { host: `web.${suite.namespace}.localhost` },
    });
    await once(socket, 'open');
    socket.send('ping over the gateway');
    const [message] = (await once(socket, 'message')) as [Buffer];
    assert.equal(String(message), 'ping over the gateway');
    socket.close();
  });

  it('gRPC: unary calls, and streams both ways', async () => {
    const client = rpc();
    const unary = method('Unary', false);
    const reply = await new Promise<Buffer | undefined>((resolve, reject) => {
      client.makeUnaryRequest(unary.path, bytes, bytes, Buffer.from('\n\x05hello'), (error, value) =>
        error ? reject(error) : resolve(value),
      );
    });
    assert.equal(String(reply), '\n\x05hello');
    const stream = method('Stream', true);
    const call = client.makeBidiStreamRequest(stream.path, bytes, bytes);
    for (const text of ['one', 'two', 'end']) {
      const message = Buffer.from(`\n\x03${text}`);
      call.write(message);
      const [answer] = (await once(call, 'data')) as [Buffer];
      assert.equal(String(answer), String(message));
    }
    call.end();
    call.resume();
    const [status] = (await once(call, 'status')) as [grpc.StatusObject];
    assert.equal(status.code, grpc.status.OK);
    client.close();
  });

  it('gRPC: an unknown method is answered by the program, not by the gateway', async () => {
    const client = rpc();
    const error = await new Promise<grpc.ServiceError | null>((resolve) => {
      client.makeUnaryRequest('/homerun.test.Echo/Nothing', bytes, bytes, Buffer.alloc(0), resolve);
    });
    assert.equal(error?.code, grpc.status.UNIMPLEMENTED);
    client.close();
  });
});
