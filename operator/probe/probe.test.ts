import assert from 'node:assert/strict';
import { getEventListeners, once } from 'node:events';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttp2 } from 'node:http2';
import { createServer, type Server } from 'node:net';
import * as grpc from '@grpc/grpc-js';
import type { Container } from '../apis/serving/container/types.ts';
import { freePort } from '../testing/freePort.ts';
import { type Attempt, startCheck } from './attempt.ts';
import { attemptPasses, healthRequest, isServing, untilStarted } from './probe.ts';

async function listen(server: Server, port = 0): Promise<number> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as { port: number }).port;
}

describe('startCheck', () => {
  const container = (extra: Partial<Container>): Container[] => [
    { name: 'user', image: 'x', ports: [{ containerPort: 9000, name: 'http1' }], ...extra },
  ];
  const tables: Record<string, { reason: string; containers: Container[]; want: object; delayMs?: number }> =
    {
      none: {
        reason: 'container contract, Startup: the port of the ingress container',
        containers: container({}),
        want: { kind: 'tcp', port: 9000, timeoutMs: 1000 },
      },
      'no port': {
        reason: 'container contract: 8080',
        containers: container({ ports: undefined }),
        want: { kind: 'tcp', port: 8080, timeoutMs: 1000 },
      },
      'a path without a slash': {
        reason: 'older objects may have it',
        containers: container({ startupProbe: { httpGet: { path: 'up' } } as never }),
        want: { kind: 'http', port: 9000, path: '/up', headers: {}, timeoutMs: 1000 },
      },
      http: {
        reason: 'with its own port, path and headers',
        containers: container({
          startupProbe: {
            initialDelaySeconds: 2,
            timeoutSeconds: 5,
            httpGet: { path: '/up', port: 9001, httpHeaders: [{ name: 'X-A', value: 'b' }] },
          },
        }),
        want: { kind: 'http', port: 9001, path: '/up', headers: { 'X-A': 'b' }, timeoutMs: 5000 },
        delayMs: 2000,
      },
      'http by port name': {
        reason: 'a port may be named',
        containers: container({ startupProbe: { httpGet: { port: 'http1' } } }),
        want: { kind: 'http', port: 9000, path: '/', headers: {}, timeoutMs: 1000 },
      },
      grpc: {
        reason: 'the health service of the container port',
        containers: container({ startupProbe: { grpc: { service: 's' } as never } }),
        want: { kind: 'grpc', port: 9000, service: 's', timeoutMs: 1000 },
      },
      tcp: {
        reason: 'another port',
        containers: container({ startupProbe: { tcpSocket: { port: 7 } } }),
        want: { kind: 'tcp', port: 7, timeoutMs: 1000 },
      },
      exec: {
        reason: 'it cannot run from outside; the port is enough',
        containers: container({ startupProbe: { exec: { command: ['x'] } } }),
        want: { kind: 'tcp', port: 9000, timeoutMs: 1000 },
      },
      'readiness probe only': {
        reason: 'it begins once the port is open',
        containers: container({ readinessProbe: { httpGet: { path: '/ready' } } as never }),
        want: { kind: 'tcp', port: 9000, timeoutMs: 1000 },
      },
    };
  for (const [name, { reason, containers, want, delayMs = 0 }] of Object.entries(tables)) {
    it(`${name}: ${reason}`, () => assert.deepEqual(startCheck(containers), { attempt: want, delayMs }));
  }
});

describe('startup probe', () => {
  const never = new AbortController().signal;
  const passes = (attempt: Attempt) => attemptPasses('127.0.0.1', attempt, never);

  it('by TCP: a connection passes, a refused one does not', async () => {
    const server = createServer();
    const port = await listen(server);
    assert.equal(await passes({ kind: 'tcp', port, timeoutMs: 1000 }), true);
    server.close();
    await once(server, 'close');
    assert.equal(await passes({ kind: 'tcp', port, timeoutMs: 1000 }), false);
  });

  it('by HTTP: 200 to 399 passes; other responses and silence do not', async () => {
    const paths: string[] = [];
    const server = createHttp((request, response) => {
      paths.push(`${request.url} ${request.headers['x-a']}`);
      if (request.url !== '/0') response.writeHead(Number(request.url?.slice(1))).end();
    });
    const port = await listen(server);
    const ask = (status: number) =>
      passes({ kind: 'http', port, path: `/${status}`, headers: { 'X-A': 'b' }, timeoutMs: 3000 });
    assert.deepEqual(await Promise.all([200, 302, 399, 400, 503, 0].map(ask)), [
      true,
      true,
      true,
      false,
      false,
      false,
    ]);
    assert.ok(paths.includes('/200 b'));
    server.closeAllConnections();
    server.close();
  });

  it('by gRPC: SERVING passes', async () => {
    const answers: Record<string, number> = { '': 1, good: 1, bad: 2 };
    const server = new grpc.Server();
    const bytes = {
      requestSerialize: (b: Buffer) => b,
      responseSerialize: (b: Buffer) => b,
      responseDeserialize: (b: Buffer) => b,
    };
    server.addService(
      {
        check: {
          ...{ path: '/grpc.health.v1.Health/Check', requestStream: false, responseStream: false, ...bytes },
          requestDeserialize: (b: Buffer) => b,
        },
      },
      {
        check: (call: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) =>
          done(null, Buffer.from([0x08, answers[call.request.subarray(2).toString()] ?? 0])),
      },
    );
    const port = await new Promise<number>((resolve) =>
      server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (_error, bound) =>
        resolve(bound),
      ),
    );
    const ask = (service: string) => passes({ kind: 'grpc', port, service, timeoutMs: 1000 });
    assert.deepEqual(
      [await ask(''), await ask('good'), await ask('bad'), await ask('other')],
      [true, true, false, false],
    );
    server.forceShutdown();
    assert.equal(await ask(''), false);
  });

  const BROKEN: Record<string, { attempt: Attempt; host?: string }> = {
    'a path with a space': {
      attempt: { kind: 'http', port: 9, path: '/health check', headers: {}, timeoutMs: 100 },
    },
    'a header value that is no Latin text': {
      attempt: { kind: 'http', port: 9, path: '/', headers: { 'X-A': 'café ☕' }, timeoutMs: 100 },
    },
    'a header name with a space': {
      attempt: { kind: 'http', port: 9, path: '/', headers: { 'X Probe': '1' }, timeoutMs: 100 },
    },
    'a port that no socket has': { attempt: { kind: 'tcp', port: 65_536, timeoutMs: 100 } },
    'a gRPC port that no socket has': {
      attempt: { kind: 'grpc', port: 65_536, service: '', timeoutMs: 100 },
    },
    'a host that no URL can hold': {
      attempt: { kind: 'grpc', port: 9, service: '', timeoutMs: 100 },
      host: 'a b',
    },
  };
  for (const [name, { attempt, host = '127.0.0.1' }] of Object.entries(BROKEN)) {
    it(`takes ${name} for a failed attempt, and leaves no listener behind`, async () => {
      const { signal } = new AbortController();
      assert.equal(await attemptPasses(host, attempt, signal), false);
      assert.equal(getEventListeners(signal, 'abort').length, 0);
      const check = { attempt, delayMs: 0 };
      assert.equal(await untilStarted(host, check, { limitMs: 30, signal: never }), false);
    });
  }

  it('by gRPC: an answer without end fails the attempt before it fills the memory', async () => {
    const server = createHttp2();
    server.on('stream', (stream) => {
      stream.respond({ ':status': 200 });
      stream.on('error', () => {});
      const more = () => {
        while (!stream.destroyed && stream.write(Buffer.alloc(16_384)));
      };
      stream.on('drain', more);
      more();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    assert.equal(await passes({ kind: 'grpc', port, service: '', timeoutMs: 5000 }), false);
    server.close();
    await once(server, 'close');
  });

  it('writes and reads health messages', () => {
    assert.deepEqual([...healthRequest('ab')], [0, 0, 0, 0, 4, 0x0a, 2, 97, 98]);
    assert.deepEqual([...healthRequest('')], [0, 0, 0, 0, 0]);
    assert.equal(healthRequest('x'.repeat(200)).length, 5 + 3 + 200);
    assert.equal(isServing(Buffer.from([0, 0, 0, 0, 2, 8, 1])), true);
    assert.equal(isServing(Buffer.from([0, 0, 0, 0, 0])), false, 'UNKNOWN is the empty message');
    assert.equal(isServing(Buffer.alloc(0)), false);
  });

  it('is repeated until the instance listens', async () => {
    const port = await freePort();
    const check = { attempt: { kind: 'tcp' as const, port, timeoutMs: 1000 }, delayMs: 0 };
    const started = untilStarted('127.0.0.1', check, { limitMs: 5000, signal: never });
    const server = createServer();
    await listen(server, port);
    assert.equal(await started, true);
    server.close();
  });

  it('ends at its limit, and when it is aborted', async () => {
    const check = { attempt: { kind: 'tcp' as const, port: await freePort(), timeoutMs: 1000 }, delayMs: 0 };
    assert.equal(await untilStarted('127.0.0.1', check, { limitMs: 30, signal: never }), false);
    const stop = new AbortController();
    const started = untilStarted(
      '127.0.0.1',
      { ...check, delayMs: 60_000 },
      { limitMs: 60_000, signal: stop.signal },
    );
    stop.abort();
    assert.equal(await started, false);
  });
});
