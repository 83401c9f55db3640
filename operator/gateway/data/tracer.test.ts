import assert from 'node:assert/strict';
import type { IncomingHttpHeaders, Server } from 'node:http';
import { WebSocket, WebSocketServer } from 'ws';
import { until } from '../../testing/until.ts';
import type { Span } from '../shared/otlp.ts';
import { ask, backend, Harness } from '../testing/harness.ts';
import { parseCloudTrace, parseTraceparent } from './trace.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CLIENT = '00f067aa0ba902b7';
const PARENT = `00-${TRACE}-${CLIENT}-01`;
const UNSAMPLED = `00-${TRACE}-${CLIENT}-00`;
const CLOUD = `${TRACE}/67667974448284343;o=1`;

const ms = (nanos: string): number => Number(nanos) / 1e6;
const durationMs = (span: Span | undefined): number =>
  ms(span?.endTimeUnixNano ?? '') - ms(span?.startTimeUnixNano ?? '');

describe('gateway with tracing', () => {
  let harness: Harness;
  let program: { server: Server; port: number };
  let sockets: WebSocketServer;
  let seen: IncomingHttpHeaders;

  before(async () => {
    program = await backend(async (request, response) => {
      seen = request.headers;
      const { pathname, searchParams } = new URL(request.url as string, 'http://a');
      if (pathname === '/die') request.socket.destroy();
      else setTimeout(() => response.writeHead(Number(searchParams.get('status') ?? 200)).end('ok'), 20);
    });
    sockets = new WebSocketServer({ server: program.server });
    sockets.on('connection', (_ws, request) => {
      seen = request.headers;
    });
  });

  after(() => {
    sockets.close();
    program.server.closeAllConnections();
    program.server.close();
  });

  const gateway = async (samplingRatio = 0): Promise<void> => {
    harness = await new Harness(1, {}, true, undefined, { samplingRatio }).listen();
  };
  const serve = (given = {}): number =>
    harness.serve('app.test', { ports: [program.port], ...given })[0] as number;
  const send = (path = '/', headers: Record<string, string> = { traceparent: PARENT }) =>
    ask(harness.origin, path, { headers });

  /**
   * The spans of all requests that have ended. On a busy machine, waits in the queue are notable that nothing here has
   * caused: only those from `queueMs` on are given.
   */
  const collected = async (queueMs = Number.POSITIVE_INFINITY): Promise<Span[]> => {
    await until('all have ended', () => harness.planes[0]?.open === 0);
    await harness.close();
    const texts = harness.sent('spans').flatMap(({ chunks }) => chunks);
    const spans: Span[] = JSON.parse(`[${texts.join('').slice(0, -1)}]`);
    return spans.filter((span) => span.name !== 'queue' || durationMs(span) >= queueMs);
  };
  const attributeOf = (span: Span | undefined, key: string): unknown =>
    Object.values(span?.attributes.find((attribute) => attribute.key === key)?.value ?? {})[0];
  const byName = (spans: Span[]): Record<string, Span> =>
    Object.fromEntries(spans.map((span) => [span.name, span]));
  const CONTEXTS: Record<string, { reason: string; headers: Record<string, string>; cloud?: string }> = {
    traceparent: {
      reason: 'the client’s trace goes on',
      headers: { traceparent: PARENT, tracestate: 'a=b' },
    },
    'X-Cloud-Trace-Context': {
      reason: 'so does that of the other header',
      headers: { 'X-Cloud-Trace-Context': CLOUD },
    },
    both: {
      reason: 'both name the new parent',
      headers: { Traceparent: PARENT, 'x-cloud-trace-context': CLOUD },
    },
    'two traces': {
      reason: 'traceparent counts, and what names another trace stays',
      headers: { traceparent: PARENT, 'x-cloud-trace-context': `${'a'.repeat(32)}/1;o=1` },
      cloud: `${'a'.repeat(32)}/1;o=1`,
    },
    'a later version': {
      reason: 'goes on as version 00 (W3C Trace Context, 4.3)',
      headers: { traceparent: `01-${TRACE}-${CLIENT}-01-more` },
    },
  };
  for (const [name, { reason, headers, cloud }] of Object.entries(CONTEXTS)) {
    it(`${name}: ${reason}`, async () => {
      await gateway();
      serve();
      await send('/a?secret=1', headers);
      const { GET: server, upstream, ...others } = byName(await collected());
      assert.deepEqual(others, {});
      assert.deepEqual([server?.traceId, server?.parentSpanId, server?.kind], [TRACE, CLIENT, 2]);
      assert.deepEqual(
        [upstream?.traceId, upstream?.parentSpanId, upstream?.kind],
        [TRACE, server?.spanId, 3],
      );
      assert.equal(seen.traceparent, `00-${TRACE}-${upstream?.spanId}-01`);
      const forwarded = seen['x-cloud-trace-context'] as string;
      if (cloud) assert.equal(forwarded, cloud);
      else assert.equal(parseCloudTrace(forwarded)?.spanId, upstream?.spanId);
      assert.equal(server?.traceState, headers.tracestate);
      assert.equal(attributeOf(server, 'url.path'), '/a');
      assert.equal(attributeOf(server, 'homerun.revision'), 'rev');
      assert.equal(attributeOf(upstream, 'k8s.pod.name'), 'pod-0');
      const log = JSON.parse(harness.sent('accessLog')[0]?.chunks[0] as string);
      assert.equal(log['logging.googleapis.com/spanId'], server?.spanId, 'the log names the span');
      assert.ok(durationMs(upstream) >= 19);
      assert.ok(Math.abs(ms(server?.endTimeUnixNano as string) - Date.now()) < 5000);
    });
  }

  it('passes on what is not sampled as it was sent, and makes no span', async () => {
    await gateway();
    serve();
    await send('/', { traceparent: UNSAMPLED });
    assert.equal(seen.traceparent, UNSAMPLED);
    await send('/', { traceparent: 'nonsense' });
    assert.equal(seen.traceparent, 'nonsense');
    assert.deepEqual(await collected(), []);
  });

  const RATIOS = { 0: [1, 1], 1: [20, 20], 0.5: [3, 18] } as const;
  for (const [ratio, [least, most]] of Object.entries(RATIOS)) {
    it(`traces of 20 new traces ${least} to ${most} with a ratio of ${ratio}, and the first of an instance in any case`, async () => {
      await gateway(Number(ratio));
      serve();
      await Promise.all(Array.from({ length: 20 }, () => send('/', {})));
      const servers = (await collected()).filter(({ kind }) => kind === 2);
      assert.ok(servers.length >= least && servers.length <= most, String(servers.length));
      assert.ok(servers.every(({ parentSpanId }) => parentSpanId === undefined));
      assert.equal(new Set(servers.map(({ traceId }) => traceId)).size, servers.length);
    });
  }

  it('the program’s parent is the way to it, also in a new trace', async () => {
    await gateway(1);
    serve();
    await send('/', {});
    const { GET: server, upstream } = byName(await collected());
    const { traceId, spanId, sampled } = parseTraceparent(seen.traceparent as string) ?? {};
    assert.deepEqual([traceId, spanId, sampled], [server?.traceId, upstream?.spanId, true]);
  });

  it('shows the wait in the queue', async () => {
    await gateway();
    serve({ limit: 1 });
    await Promise.all([send(), send('/?status=404')]);
    const spans = await collected(15);
    assert.deepEqual(
      spans.map(({ name, status }) => [name, status]).sort(),
      ['GET', 'GET', 'queue', 'upstream', 'upstream'].map((name) => [name, undefined]),
      'a 4xx is no error of the gateway',
    );
  });

  it('shows a start from zero', async () => {
    await gateway();
    harness.serve('app.test', { limit: 1 });
    const both = [send(), send()];
    await until('both wait', () => harness.slots.waiting(0) === 2);
    const waitingAt = performance.now();
    await until('that is worth a span', () => performance.now() - waitingAt > 5);
    harness.addInstance('ns/rev', program.port);
    await Promise.all(both);
    const spans = await collected(15);
    const names = spans.map(({ name }) => name).sort();
    assert.deepEqual(names, ['GET', 'GET', 'cold start', 'cold start', 'queue', 'upstream', 'upstream']);
    const servers = new Set(spans.filter(({ kind }) => kind === 2).map(({ spanId }) => spanId));
    for (const { kind, parentSpanId } of spans) assert.ok(kind === 2 || servers.has(parentSpanId as string));
  });

  const FAILURES: Record<
    string,
    { path?: string; given?: object; status: number; names: string[]; error?: string }
  > = {
    'a program that fails': { path: '/?status=503', status: 503, names: ['GET', 'upstream'] },
    'a program that ends': { path: '/die', status: 500, names: ['GET', 'upstream'], error: 'instance_ended' },
    'no instance in time': {
      given: { ports: [], queueLimitMs: 50 },
      status: 429,
      names: ['GET', 'cold start'],
      error: 'queue_time',
    },
    'a stopped service': { given: { stopped: true }, status: 503, names: ['GET'], error: 'stopped' },
  };
  for (const [name, { path, given, status, names, error }] of Object.entries(FAILURES)) {
    it(`shows ${name}`, async () => {
      await gateway();
      serve(given);
      assert.equal((await send(path)).status, status);
      const spans = await collected();
      assert.deepEqual(spans.map((span) => span.name).sort(), names);
      const { GET: server } = byName(spans);
      assert.equal(attributeOf(server, 'http.response.status_code'), String(status));
      assert.equal(attributeOf(server, 'error.type'), error);
      assert.equal(server?.status?.code, status >= 500 ? 2 : undefined);
    });
  }

  it('keeps one span for a request whose first instance could not be reached', async () => {
    await gateway();
    const { server, port } = await backend(() => {});
    server.close();
    harness.serve('app.test', { ports: [port] });
    const answer = send();
    await until('it is unreachable', () => harness.sent('unreachable').length === 1);
    harness.addInstance('ns/rev', program.port);
    assert.equal((await answer).status, 200);
    const { GET: own, upstream } = byName(await collected());
    assert.deepEqual([own?.parentSpanId, upstream?.parentSpanId], [CLIENT, own?.spanId]);
    assert.equal(parseTraceparent(seen.traceparent as string)?.spanId, upstream?.spanId);
    assert.equal(attributeOf(upstream, 'k8s.pod.name'), 'pod-1');
  });

  it('shows a WebSocket until its end', async () => {
    await gateway();
    serve();
    const headers = { host: 'app.test', traceparent: PARENT };
    const ws = new WebSocket(`ws://127.0.0.1:${harness.port}/`, { headers });
    await new Promise((resolve) => ws.once('open', resolve));
    setTimeout(() => ws.close(), 50);
    const { GET: own, upstream } = byName(await collected());
    assert.equal(attributeOf(own, 'http.response.status_code'), '101');
    assert.equal(parseTraceparent(seen.traceparent as string)?.spanId, upstream?.spanId);
    assert.ok(ms(own?.endTimeUnixNano as string) - ms(own?.startTimeUnixNano as string) >= 49);
  });

  it('drops and counts spans while none are taken, and hands them over again later', async () => {
    await gateway();
    serve();
    await send();
    await until('the first batch', () => harness.sent('spans').length === 1);
    const long = 'x'.repeat(8000);
    for (let i = 0; i < 40; i++) {
      await Promise.all(
        Array.from({ length: 16 }, () => send(`/${long}`, { traceparent: PARENT, 'user-agent': long })),
      );
    }
    const dropped = harness.slots.usage.read().count('spansDropped');
    assert.ok(dropped > 0 && dropped < 2 * 640, String(dropped));
    harness.planes[0]?.spansTaken();
    await until('the second batch', () => harness.sent('spans').length === 2);
    const [, second] = harness.sent('spans');
    assert.equal((second?.count as number) + dropped, 2 * 640);
    await harness.close();
  });

  it('makes none where it is not configured', async () => {
    harness = await new Harness().listen();
    serve();
    await send();
    assert.equal(seen.traceparent, PARENT);
    assert.deepEqual(await collected(), []);
  });
});
