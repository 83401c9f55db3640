import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  createServer as createHttp,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from 'node:http';
import { createServer, type Socket, type Server as TcpServer } from 'node:net';
import fc from 'fast-check';
import type { Logger } from '../telemetry/log.ts';
import { silent, until } from '../testing/until.ts';
import { SpanExporter } from './spanExporter.ts';

const RESOURCE = { 'service.name': 'homerun-gateway', 'k8s.pod.name': 'gw-1' };
const span = (name: string): string => `${JSON.stringify({ name })},`;

describe('SpanExporter', () => {
  let server: Server;
  let port: number;
  let bodies: string[];
  let seen: IncomingMessage | undefined;
  let answer: RequestListener;
  let exporter: SpanExporter;

  const listen = async <S extends Server | TcpServer>(made: S): Promise<number> => {
    made.listen(0, '127.0.0.1');
    await once(made, 'listening');
    return (made.address() as { port: number }).port;
  };

  beforeEach(async () => {
    bodies = [];
    answer = (_request, response) => response.end('{}');
    server = createHttp(async (request, response) => {
      seen = request;
      let text = '';
      for await (const part of request) text += part;
      bodies.push(text);
      answer(request, response);
    });
    port = await listen(server);
    exporter = made();
  });

  afterEach(async () => {
    await exporter.end(0);
    server.closeAllConnections();
    server.close();
  });

  const made = (path = '', options = {}): SpanExporter =>
    new SpanExporter({
      endpoint: `http://127.0.0.1:${port}${path}`,
      scope: 'homerun.gateway',
      resource: RESOURCE,
      log: silent,
      retryMs: 5,
      timeoutMs: 60_000,
      ...options,
    });
  const dropped = (): Record<string, number> => Object.fromEntries(exporter.dropped);

  it('sends spans as an ExportTraceServiceRequest in JSON', async () => {
    exporter.add([span('a') + span('b'), span('c')], 3);
    await until('they are taken', () => exporter.exported === 3);
    assert.deepEqual(
      [seen?.method, seen?.url, seen?.headers['content-type']],
      ['POST', '/v1/traces', 'application/json'],
    );
    const attributes = Object.entries(RESOURCE).map(([key, stringValue]) => ({
      key,
      value: { stringValue },
    }));
    assert.deepEqual(JSON.parse(bodies[0] as string), {
      resourceSpans: [
        {
          resource: { attributes },
          scopeSpans: [
            { scope: { name: 'homerun.gateway' }, spans: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] },
          ],
        },
      ],
    });
    assert.deepEqual(dropped(), {});
  });

  it('uses the path of the endpoint where it has one', async () => {
    await exporter.end(0);
    exporter = made('/otlp/v1/traces?tenant=a');
    exporter.add([span('a')], 1);
    await until('it is taken', () => exporter.exported === 1);
    assert.equal(seen?.url, '/otlp/v1/traces?tenant=a');
  });

  it('sends together what came while a request was under way', async () => {
    let go = (): void => {};
    answer = (_request, response) => {
      go = () => response.end();
    };
    exporter.add([span('1')], 1);
    await until('the first is under way', () => bodies.length === 1);
    for (let i = 0; i < 10; i++) exporter.add([span('more')], 1);
    answer = (_request, response) => response.end();
    go();
    await until('all are taken', () => exporter.exported === 11);
    assert.equal(bodies.length, 2);
  });

  const ANSWERS: Record<
    string,
    { reason: string; status: number; body?: string; attempts: number; want: object }
  > = {
    'partial success': {
      reason: 'the others are taken',
      status: 200,
      body: '{"partialSuccess":{"rejectedSpans":"2","errorMessage":"too old"}}',
      attempts: 1,
      want: { exported: 8, rejected: 2 },
    },
    'more rejected than sent': {
      reason: 'no count is believed beyond what there is',
      status: 200,
      body: '{"partialSuccess":{"rejectedSpans":1e300}}',
      attempts: 1,
      want: { exported: 0, rejected: 10 },
    },
    'a body that is no JSON': {
      reason: 'the status alone decides',
      status: 202,
      body: '<p>',
      attempts: 1,
      want: { exported: 10 },
    },
    'not found': {
      reason: 'it would not be found again',
      status: 404,
      attempts: 1,
      want: { exported: 0, rejected: 10 },
    },
    'a redirect': {
      reason: 'it is not followed',
      status: 301,
      attempts: 1,
      want: { exported: 0, rejected: 10 },
    },
    overload: {
      reason: 'tried again, five times in all',
      status: 503,
      attempts: 5,
      want: { exported: 0, unavailable: 10 },
    },
  };
  for (const [name, { reason, status, body = '', attempts, want }] of Object.entries(ANSWERS)) {
    it(`${name}: ${reason}`, async () => {
      answer = (_request, response) => response.writeHead(status, { location: '/' }).end(body);
      exporter.add([span('a').repeat(10)], 10);
      const sum = (): number =>
        Object.values(dropped()).reduce((all, count) => all + count, exporter.exported);
      await until('it is decided', () => sum() === 10);
      assert.equal(bodies.length, attempts);
      assert.deepEqual({ exported: exporter.exported, ...dropped() }, want);
    });
  }

  it('waits as long as the receiver says, and takes it when it is back', async () => {
    answer = (_request, response) => {
      answer = (_request, response) => response.end();
      response.writeHead(429, { 'retry-after': '1' }).end();
    };
    const begun = performance.now();
    exporter.add([span('a')], 1);
    await until('it is taken', () => exporter.exported === 1);
    assert.ok(performance.now() - begun >= 499);
  });

  it('a receiver that never answers costs a bounded amount of memory', async () => {
    await exporter.end(0);
    exporter = made('', { timeoutMs: 200 });
    answer = () => {};
    const chunk = span('x'.repeat(60_000));
    for (let i = 0; i < 200; i++) exporter.add([chunk], 1);
    const { buffer = 0 } = dropped();
    assert.ok(buffer > 100 && buffer < 150, String(buffer));
    await until('some are given up', () => (dropped().unavailable ?? 0) > 0);
    exporter.add([chunk], 1);
    assert.equal(dropped().buffer, buffer, 'their room is free');
  });

  it('a receiver that is down is found when it is back', async () => {
    server.close();
    server.closeAllConnections();
    exporter.add([span('a')], 1);
    await until('it is given up', () => dropped().unavailable === 1);
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    exporter.add([span('b')], 1);
    await until('the next is taken', () => exporter.exported === 1);
  });

  it('logs that spans cannot be exported, and not the key that an endpoint may have in its query', async () => {
    await exporter.end(0);
    const lines: unknown[][] = [];
    const log = { ...silent, warn: (...line: unknown[]) => lines.push(line) } as unknown as Logger;
    exporter = made('/spans?key=secret', { log });
    answer = (_request, response) => response.writeHead(401).end('no');
    exporter.add([span('a')], 1);
    await until('a line', () => lines.length > 0);
    assert.equal(seen?.url, '/spans?key=secret');
    const reason = 'the receiver answered with 401: no';
    const endpoint = `http://127.0.0.1:${port}/spans`;
    assert.deepEqual(lines, [[{ endpoint, reason }, 'spans cannot be exported']]);
  });

  it('sends the last when it ends, and waits for no answer beyond its time', async () => {
    exporter.add([span('a')], 1);
    await exporter.end(1000);
    assert.equal(exporter.exported, 1);
    exporter.add([span('b')], 1);
    assert.deepEqual(dropped(), { buffer: 1 });
    answer = () => {};
    const other = made();
    other.add([span('a')], 1);
    await until('it is under way', () => bodies.length === 2);
    await other.end(50);
    assert.equal(other.dropped.get('unavailable'), 1);
  });

  it('whatever a receiver answers: each span is counted once, and it goes on', async () => {
    const line = fc.oneof(
      fc.constantFrom(
        'HTTP/1.1 200 OK',
        'HTTP/1.1 204 No Content',
        'HTTP/1.1 503 Busy',
        'HTTP/1.1 100 Continue',
        'HTTP/9 1',
        '',
      ),
      fc.integer({ min: 0, max: 1200 }).map((status) => `HTTP/1.1 ${status} Any`),
      fc.string({ maxLength: 40 }),
    );
    const field = fc.oneof(
      fc.constantFrom(
        ...[
          'Content-Length: 2',
          'Content-Length: 99999999999',
          'Content-Length: -1',
          'Transfer-Encoding: chunked',
        ],
        ...[
          'Retry-After: 0',
          'Retry-After: 0.01',
          'Retry-After: never',
          'Connection: close',
          'Upgrade: x',
          'Content-Encoding: gzip',
        ],
      ),
      fc.string({ maxLength: 40 }),
    );
    const body = fc.oneof(
      fc.constantFrom(
        '',
        '{}',
        'null',
        '[]',
        '{"partialSuccess":null}',
        '{"partialSuccess":{"rejectedSpans":-5}}',
        '5\r\nhello\r\n0\r\n\r\n',
      ),
      fc.json(),
      fc.string(),
    );
    const replies = fc.record({
      head: fc
        .tuple(line, fc.array(field, { maxLength: 4 }))
        .map(([first, fields]) => [first, ...fields].join('\r\n')),
      body,
      end: fc.constantFrom('end', 'reset', 'stay'),
    });
    let reply: { head: string; body: string; end: string } = { head: '', body: '', end: 'end' };
    const connections = new Set<Socket>();
    const raw = createServer((socket) => {
      connections.add(socket);
      socket.on('error', () => {}).on('close', () => connections.delete(socket));
      socket.on('data', () => {
        socket.write(`${reply.head}\r\n\r\n${reply.body}`);
        if (reply.end === 'end') socket.end();
        else if (reply.end === 'reset') socket.resetAndDestroy();
      });
    });
    const rawPort = await listen(raw);
    await fc.assert(
      fc.asyncProperty(replies, async (given) => {
        reply = given;
        const endpoint = `http://127.0.0.1:${rawPort}`;
        const one = new SpanExporter({
          endpoint,
          scope: 'test',
          resource: {},
          log: silent,
          retryMs: 1,
          timeoutMs: 30,
        });
        one.add([span('a').repeat(3)], 3);
        await one.end(200);
        const lost = [...one.dropped.values()].reduce((all, count) => all + count, 0);
        assert.equal(one.exported + lost, 3);
      }),
      { numRuns: 200 },
    );
    for (const socket of connections) socket.destroy();
    raw.close();
  });
});
