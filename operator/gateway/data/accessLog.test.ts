import assert from 'node:assert/strict';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { until } from '../../testing/until.ts';
import { ask, backend, Harness, raw } from '../testing/harness.ts';
import { AccessLog, type AccessRecord, accessLine } from './accessLog.ts';
import { Peer, requestHead } from './headers.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';

function record(given: Partial<AccessRecord> = {}, headers: string[] = []): AccessRecord {
  const head = requestHead(['host', 'app.test', ...headers], new Peer('192.0.2.7'));
  return {
    method: 'GET',
    target: '/a?b=c',
    protocol: 'HTTP/1.1',
    head,
    status: 200,
    requestBytes: 0,
    responseBytes: 0,
    latencyMs: 0,
    ...given,
  };
}

const parsed = (given: Partial<AccessRecord>, headers?: string[]) =>
  JSON.parse(accessLine(record(given, headers), new Date(0)));

describe('accessLine', () => {
  it('has the shape of Cloud Logging', () => {
    const given = {
      method: 'POST',
      status: 201,
      requestBytes: 10,
      responseBytes: 2345,
      latencyMs: 1234.5678,
      queuedMs: 1000,
      upstreamMs: 200,
      revision: 'demo/hello-00001',
      instance: { pod: 'hello-00001-x', host: '10.1.2.3' },
    };
    const headers = [
      ...['User-Agent', 'curl/8', 'Referer', 'http://from.test/', 'X-Forwarded-For', '203.0.113.9'],
      ...['X-Forwarded-Proto', 'https', 'traceparent', `00-${TRACE}-00f067aa0ba902b7-01`],
    ];
    assert.deepEqual(parsed(given, headers), {
      time: '1970-01-01T00:00:00.000Z',
      severity: 'INFO',
      httpRequest: {
        requestMethod: 'POST',
        requestUrl: 'https://app.test/a?b=c',
        requestSize: String(['host', 'app.test', ...headers].join('').length + 10),
        status: 201,
        responseSize: '2345',
        userAgent: 'curl/8',
        remoteIp: '192.0.2.7',
        serverIp: '10.1.2.3',
        referer: 'http://from.test/',
        latency: '1.234568s',
        protocol: 'HTTP/1.1',
      },
      'logging.googleapis.com/trace': TRACE,
      'logging.googleapis.com/spanId': '00f067aa0ba902b7',
      'logging.googleapis.com/trace_sampled': true,
      namespace: 'demo',
      revision: 'hello-00001',
      instance: 'hello-00001-x',
      queue: '1.000000s',
      upstream: '0.200000s',
      forwardedFor: '203.0.113.9',
    });
  });

  it('leaves out what is not known', () => {
    const { httpRequest, ...rest } = parsed({ status: 0, error: 'client_left' });
    assert.deepEqual(Object.keys(rest), ['time', 'severity', 'error']);
    assert.deepEqual(Object.keys(httpRequest), [
      ...['requestMethod', 'requestUrl', 'requestSize', 'responseSize', 'remoteIp', 'latency', 'protocol'],
    ]);
  });

  const SEVERITIES = { INFO: [0, 101, 200, 399], WARNING: [400, 429, 499], ERROR: [500, 503, 599] };
  for (const [severity, statuses] of Object.entries(SEVERITIES)) {
    it(`is ${severity} for ${statuses.join(', ')}`, () => {
      for (const status of statuses) assert.equal(parsed({ status }).severity, severity, String(status));
    });
  }

  it('is one line that a pipe takes as a whole, whatever the client sends', () => {
    const long = '"\\é\u2028'.repeat(10_000);
    const line = accessLine(
      record({ target: `/${'a'.repeat(60_000)}` }, [
        'user-agent',
        'u'.repeat(9000),
        'referer',
        'r'.repeat(9000),
      ]),
      new Date(0),
    );
    assert.ok(line.length <= 4096, String(line.length));
    const odd = accessLine(record({ target: long }, ['user-agent', 'a\tb\x85']), new Date(0));
    assert.equal(odd.indexOf('\n'), odd.length - 1);
    assert.equal(JSON.parse(odd).httpRequest.userAgent, 'a\tb\x85');
  });
});

describe('AccessLog', () => {
  const setUp = () => {
    const batches: string[][] = [];
    let dropped = 0;
    const log = new AccessLog(
      (chunks) => batches.push(chunks),
      () => dropped++,
    );
    return { log, batches, dropped: () => dropped };
  };

  it('gathers lines, and hands a batch over when the one before is written', async () => {
    const { log, batches } = setUp();
    for (let i = 0; i < 100; i++) log.request(record({ target: `/${i}` }));
    assert.equal(batches.length, 0);
    await until('the first batch', () => batches.length === 1);
    log.request(record({ target: '/later' }));
    log.written();
    await until('the second batch', () => batches.length === 2);
    const lines = batches.map((chunks) => chunks.join('').trimEnd().split('\n'));
    assert.deepEqual(
      lines.map(({ length }) => length),
      [100, 1],
    );
    assert.ok(batches[0]?.every((chunk) => chunk.length <= 4096 && chunk.endsWith('\n')));
    assert.ok((batches[0]?.length ?? 0) < 20, 'several lines share a chunk');
  });

  it('drops and counts what comes while too much waits, and goes on when it is written', async () => {
    const { log, batches, dropped } = setUp();
    log.request(record());
    await until('the first batch', () => batches.length === 1);
    for (let i = 0; i < 10_000; i++) log.request(record());
    assert.ok(dropped() > 0);
    const kept = 10_000 - dropped();
    const later = setUp();
    later.log.request(record());
    await until('the time of a batch is over', () => later.batches.length === 1);
    assert.equal(batches.length, 1, 'the first is not written yet');
    log.written();
    assert.equal(batches.length, 2);
    const text = batches[1]?.join('') ?? '';
    assert.equal(text.split('\n').length - 1, kept);
    assert.ok(text.length <= 512 * 1024);
  });
});

describe('gateway with an access log', () => {
  let harness: Harness;
  let program: { server: Server; port: number };

  beforeEach(async () => {
    program = await backend(async (request, response) => {
      if (request.url === '/hang') return;
      for await (const _ of request);
      response.end('hello');
    });
  });

  afterEach(async () => {
    await harness.close();
    program.server.closeAllConnections();
    program.server.close();
  });

  const begin = async (on = true) => {
    harness = await new Harness(1, {}, on).listen();
    harness.serve('app.test', { ports: [program.port] });
  };
  const lines = async (count: number) => {
    const read = () =>
      harness
        .sent('accessLog')
        .flatMap(({ chunks }) => chunks.join('').trimEnd().split('\n'))
        .map((line) => JSON.parse(line));
    await until(`${count} lines`, () => {
      harness.planes[0]?.logged();
      return read().length >= count;
    });
    return read();
  };

  it('has a line for each request that a program answered', async () => {
    await begin();
    await ask(harness.origin, '/x?y', {
      method: 'POST',
      body: 'twelve bytes',
      headers: { 'user-agent': 'me' },
    });
    const [line] = await lines(1);
    const { requestSize, responseSize, latency, ...http } = line.httpRequest;
    assert.deepEqual(http, {
      requestMethod: 'POST',
      requestUrl: 'http://app.test/x?y',
      status: 200,
      userAgent: 'me',
      remoteIp: '127.0.0.1',
      serverIp: '127.0.0.1',
      protocol: 'HTTP/1.1',
    });
    assert.ok(Number(requestSize) > 12 && Number(responseSize) > 5);
    assert.match(latency, /^0\.\d{6}s$/);
    const { namespace, revision, instance } = line;
    assert.deepEqual([namespace, revision, instance], ['ns', 'rev', 'pod-0']);
    assert.match(line['logging.googleapis.com/trace'], /^[0-9a-f]{32}$/);
  });

  it('counts the bytes of a body without a length', async () => {
    await begin();
    const chunked =
      'POST / HTTP/1.1\r\nhost: app.test\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n';
    await raw(harness.port, `${chunked}3e8\r\n${'x'.repeat(1000)}\r\n0\r\n\r\n`);
    const [line] = await lines(1);
    assert.ok(Number(line.httpRequest.requestSize) > 1000);
  });

  it('has one for requests that the gateway answered itself, with the cause', async () => {
    await begin();
    await ask(harness.origin, '/', { host: 'other.test' });
    harness.serve('none.test', { key: 'ns/none', stopped: true });
    await ask(harness.origin, '/', { host: 'none.test' });
    await raw(
      harness.port,
      'GET / HTTP/1.1\r\nhost: other.test\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
    );
    const found = (await lines(3)).map(({ httpRequest, error, revision }) => [
      httpRequest.status,
      error,
      revision,
    ]);
    assert.deepEqual(found, [
      [404, 'unknown_host', undefined],
      [503, 'stopped', 'none'],
      [404, 'unknown_host', undefined],
    ]);
  });

  it('has one for a client that left, without a status', async () => {
    await begin();
    const socket = connect({ port: harness.port, host: '127.0.0.1' });
    socket.write('GET /hang HTTP/1.1\r\nhost: app.test\r\n\r\n');
    await until('it is in the program', () => harness.slots.inFlight(0) === 1);
    socket.destroy();
    const [line] = await lines(1);
    assert.deepEqual([line.httpRequest.status, line.error], [undefined, 'client_left']);
  });

  it('is written to the end when the gateway stops', async () => {
    await begin();
    await ask(harness.origin);
    await harness.close();
    assert.equal(harness.sent('accessLog').length, 1);
  });

  it('is off by default', async () => {
    await begin(false);
    await ask(harness.origin);
    await harness.close();
    assert.equal(harness.sent('accessLog').length, 0);
  });
});
