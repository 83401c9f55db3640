import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import {
  connect as connectHttp2,
  constants,
  createServer as createHttp2Server,
  type Http2Server,
} from 'node:http2';
import { request } from 'undici';
import { WebSocket, WebSocketServer } from 'ws';
import { until } from '../../testing/until.ts';
import { clock } from '../shared/clock.ts';
import { MAX_HEADER_BYTES, MAX_HEADER_FIELDS } from '../shared/limits.ts';
import { ERROR_CAUSES } from '../shared/stats.ts';
import { ask, Harness, raw } from '../testing/harness.ts';

/** Two gateways: clients are connected to the edge, and the owner sends their requests to instances. */
describe('requests that are forwarded to the owner of their revision', () => {
  let edge: Harness;
  let owner: Harness;
  let server: Server;
  let sockets: WebSocketServer;
  let serve: (request: IncomingMessage, response: ServerResponse) => void;
  let slot: number;
  /** The owner, in the table of the edge. */
  let forward: number;
  let seen: IncomingMessage[];
  const HOST = 'app.test';

  beforeEach(async () => {
    seen = [];
    serve = (_request, response) => response.end('hello');
    sockets = new WebSocketServer({ noServer: true });
    server = createServer({ maxHeaderSize: 2 * MAX_HEADER_BYTES }, (request, response) => {
      seen.push(request);
      serve(request, response);
    });
    server.on('upgrade', (request, socket, head) => {
      sockets.handleUpgrade(request, socket, head, (ws) => ws.on('message', (data) => ws.send(data)));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    edge = await new Harness().listen();
    owner = await new Harness().listen();
    owner.allow(['127.0.0.1']);
    const ports = [(server.address() as { port: number }).port];
    [slot = -1] = owner.serve(HOST, { ports, limit: 1 });
    forward = edge.forward(HOST, owner.gatewayPorts[0] as number);
  });

  afterEach(async () => {
    await until('no request is left', () => owner.slots.inFlight(slot) === 0);
    await Promise.all([edge.close(), owner.close()]);
    sockets.close();
    server.closeAllConnections();
    server.close();
  });

  it('arrive as the client sent them, with one hop in X-Forwarded-For', async () => {
    serve = (request, response) => {
      request.resume().on('end', () => {
        response.writeHead(201, 'Made', { 'X-Answer': 'a', Trailer: 'X-Sum' });
        response.write('part');
        response.addTrailers({ 'X-Sum': '1' });
        response.end();
      });
    };
    const answer = await raw(
      edge.port,
      `POST /a?b=%41 HTTP/1.1\r\nHost: ${HOST}\r\nX-Mixed-Case: v\r\nX-Forwarded-For: 192.0.2.1\r\n` +
        'x-homerun-forwarded: 1 ns/other\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
      /X-Sum: 1\r\n\r\n/i,
    );
    assert.match(answer, /^HTTP\/1\.1 201 Made\r\n/);
    const [{ url, rawHeaders = [], headers = {} } = {}] = seen;
    assert.equal(url, '/a?b=%41');
    assert.ok(rawHeaders.includes('X-Mixed-Case'));
    assert.equal(headers['x-forwarded-for'], '192.0.2.1, 127.0.0.1');
    assert.equal(headers.forwarded, `for=127.0.0.1;host=${HOST};proto=http`);
    assert.equal(
      headers['x-homerun-forwarded'],
      '1 ns/other',
      'what a client sends is a field like any other',
    );
  });

  it('wait at the owner, within the limit, and are counted there', async () => {
    let most = 0;
    let present = 0;
    serve = (_request, response) => {
      most = Math.max(most, ++present);
      setTimeout(() => {
        present--;
        response.end('ok');
      }, 5);
    };
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => ask(i % 2 ? edge.origin : owner.origin, '/', { host: HOST })),
    );
    assert.ok(answers.every(({ status }) => status === 200));
    assert.equal(most, 1);
    assert.equal(owner.stats.read(0, 0).requests, 20);
    assert.equal(edge.stats.read(0, 0).requests, 0);
  });

  it('get the rejection of the owner', async () => {
    owner.revision({ limit: 1, queueLimitMs: 200 });
    serve = (_request, response) => void setTimeout(() => response.end(), 600);
    const first = ask(edge.origin, '/', { host: HOST });
    const second = await ask(edge.origin, '/', { host: HOST });
    assert.equal(second.status, 429);
    assert.equal((await first).status, 200);
  });

  it('leave the queue and the instance when the client leaves', async () => {
    serve = () => {};
    const abort = new AbortController();
    const options = { headers: { host: HOST }, signal: abort.signal };
    const asked = [1, 2].map(() => request(edge.origin, options).catch(() => undefined));
    await until(
      'one is in the instance and one waits',
      () => owner.slots.inFlight(slot) + owner.slots.waiting(0) === 2,
    );
    abort.abort();
    await Promise.all(asked);
    await until('both have left', () => owner.slots.inFlight(slot) + owner.slots.waiting(0) === 0);
  });

  it('may be WebSockets', async () => {
    const ws = new WebSocket(`ws://127.0.0.1:${edge.port}/`, { headers: { host: HOST } });
    await once(ws, 'open');
    ws.send('echo');
    const [data] = (await once(ws, 'message')) as [Buffer];
    assert.equal(data.toString(), 'echo');
    assert.equal(owner.slots.inFlight(slot), 1);
    ws.close();
    await once(ws, 'close');
  });

  it('may be HTTP/2 with trailers and a body in both directions', async () => {
    const program: Http2Server = createHttp2Server();
    program.on('stream', (stream, headers) => {
      assert.equal(headers['x-homerun-forwarded'], undefined);
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.pipe(stream);
    });
    program.listen(0, '127.0.0.1');
    await once(program, 'listening');
    const h2 = { key: 'ns/h2', protocol: 'h2c' as const };
    owner.serve('h2.test', { ...h2, ports: [(program.address() as { port: number }).port] });
    edge.forward('h2.test', owner.gatewayPorts[0] as number, h2);
    const session = connectHttp2(edge.origin);
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_AUTHORITY]: 'h2.test',
      te: 'trailers',
    });
    let text = '';
    stream.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    const trailers = once(stream, 'trailers');
    stream.write('one ');
    await until('the first part has come back', () => text === 'one ');
    stream.end('two');
    const [found] = (await trailers) as [Record<string, string>];
    await once(stream, 'close');
    assert.deepEqual([text, found['grpc-status']], ['one two', '0']);
    session.close();
    program.close();
  });

  it('wait for a revision that the owner has not seen yet, and for an owner that is not one any more', async () => {
    edge.forward('late.test', owner.gatewayPorts[0] as number, { key: 'ns/late' });
    const late = ask(edge.origin, '/', { host: 'late.test' });
    await until('it has been forwarded', () => edge.slots.usage.read().count('forwarded') > 0);
    const third = await new Harness().listen();
    third.allow(['127.0.0.1']);
    owner.forward('late.test', third.gatewayPorts[0] as number, { key: 'ns/late' });
    third.serve('late.test', { key: 'ns/late', ports: [(server.address() as { port: number }).port] });
    assert.equal((await late).status, 200);
    await third.close();
  });

  it('are accepted from gateways only, and only when they name a revision', async () => {
    const port = owner.gatewayPorts[0] as number;
    assert.equal((await ask(`http://127.0.0.1:${port}`, '/', { host: HOST })).status, 400);
    owner.allow(['192.0.2.1']);
    await assert.rejects(ask(`http://127.0.0.1:${port}`, '/', { host: HOST }));
    owner.allow(['127.0.0.1']);
  });

  it('end at a fence and are not sent again, nor does one that waits take their place', async () => {
    serve = () => {};
    const asked = [1, 2].map(() => ask(edge.origin, '/', { host: HOST }));
    await until('one is in the instance and one waits', () => seen.length + owner.slots.waiting(0) === 2);
    owner.fence();
    const { status } = await Promise.race(asked);
    assert.deepEqual([status, owner.slots.waiting(0), seen.length], [500, 1, 1]);
    owner.removeRevision('ns/rev');
    await Promise.all(asked);
  });

  it('may have the largest header section that a client may send', async () => {
    const headers = Object.fromEntries(
      Array.from({ length: MAX_HEADER_FIELDS - 3 }, (_, i) => [`x-${i}`, '1']),
    );
    headers['x-0'] = 'a'.repeat(MAX_HEADER_BYTES - 10_000);
    assert.equal((await ask(edge.origin, '/', { host: HOST, headers })).status, 200);
    const program = createHttp2Server({
      maxHeaderListPairs: 2 * MAX_HEADER_FIELDS,
      settings: { maxHeaderListSize: 2 * MAX_HEADER_BYTES },
    });
    program.on('stream', (stream) => {
      stream.respond({ ':status': 204 });
      stream.end();
    });
    program.listen(0, '127.0.0.1');
    await once(program, 'listening');
    const h2 = { key: 'ns/h2', protocol: 'h2c' as const };
    owner.serve('h2.test', { ...h2, ports: [(program.address() as { port: number }).port] });
    edge.forward('h2.test', owner.gatewayPorts[0] as number, h2);
    assert.equal((await ask(edge.origin, '/', { host: 'h2.test', headers })).status, 204);
    program.close();
  });

  it('count once: where they wait for an instance, or are answered', async () => {
    serve = () => {};
    const asked = ask(edge.origin, '/', { host: HOST });
    await until('it is in the instance', () => seen.length === 1);
    const present = ({ stats }: Harness) => {
      const { inFlight, queued, concurrencyMs } = stats.read(0, clock());
      return [inFlight, queued, concurrencyMs > 0];
    };
    assert.deepEqual(
      [present(edge), present(owner)],
      [
        [0, 0, false],
        [1, 0, true],
      ],
    );
    owner.removeInstance(slot);
    edge.removeInstance(forward);
    const waits = ask(edge.origin, '/', { host: HOST });
    await until('another one waits at the edge', () => edge.slots.waiting(0) === 1);
    assert.deepEqual(present(edge), [0, 1, true]);
    edge.forward(HOST, owner.gatewayPorts[0] as number);
    await until('it waits at the owner', () => owner.slots.waiting(0) === 1);
    assert.deepEqual(
      [present(edge).slice(0, 2), present(owner)],
      [
        [0, 0],
        [1, 1, true],
      ],
    );
    owner.removeRevision('ns/rev');
    assert.equal((await waits).status, 503);
    server.closeAllConnections();
    assert.equal((await asked).status, 500);
    const ended = ({ stats }: Harness) => stats.read(0, clock()).classes;
    assert.deepEqual(
      [ended(edge), ended(owner)],
      [
        [0, 0, 0, 0, 0],
        [0, 0, 0, 0, 2],
      ],
    );
  });

  it('end at their deadline by the owner', async () => {
    owner.revision({ limit: 1, timeoutMs: 300 });
    edge.forward(HOST, owner.gatewayPorts[0] as number, { timeoutMs: 300 });
    serve = () => {};
    assert.equal((await ask(edge.origin, '/', { host: HOST })).status, 504);
    const errors = ({ stats }: Harness) =>
      Object.fromEntries(
        ERROR_CAUSES.map((cause, i) => [cause, stats.read(0, 0).errors[i]]).filter(([, n]) => n),
      );
    assert.deepEqual([errors(edge), errors(owner)], [{}, { deadline: 1 }]);
  });

  describe('whose owner ends while they are in an instance', () => {
    let next: Harness;
    beforeEach(async () => {
      next = await new Harness().listen();
      next.allow(['127.0.0.1']);
      next.serve(HOST, { ports: [(server.address() as { port: number }).port], limit: 1 });
      // The connection between the gateways that they will use.
      await ask(edge.origin, '/', { host: HOST });
      serve = () => {};
    });
    afterEach(() => next.close());

    async function endOwner(): Promise<void> {
      await until('it is in the instance', () => seen.length === 2);
      await owner.close();
      serve = (_request, response) => response.end('hello');
      edge.forward(HOST, next.gatewayPorts[0] as number);
    }

    it('go to the next owner if they may be sent again (RFC 9110, 9.2.2)', async () => {
      const asked = ask(edge.origin, '/', { host: HOST });
      await endOwner();
      assert.equal((await asked).status, 200);
    });

    it('get 500 if they may not', async () => {
      const asked = request(edge.origin, { method: 'POST', headers: { host: HOST } });
      await endOwner();
      const { statusCode, body } = await asked;
      assert.equal(statusCode, 500);
      assert.match(await body.text(), /^The gateway that sends requests to this revision ended before/);
    });
  });

  it('wait for an owner that accepts no connection, and count where they wait', async () => {
    const third = await new Harness().listen();
    const port = third.gatewayPorts[0] as number;
    await third.close();
    edge.removeInstance(forward);
    forward = edge.forward(HOST, port);
    const asked = ask(edge.origin, '/', { host: HOST });
    await until('it waits', () => edge.slots.waiting(0) === 1);
    const { inFlight, queued } = edge.stats.read(0, clock());
    assert.deepEqual([inFlight, queued], [0, 1]);
    assert.deepEqual(
      edge.sent('unreachable').map(({ slot }) => slot),
      [forward],
    );
    edge.forward(HOST, owner.gatewayPorts[0] as number);
    assert.equal((await asked).status, 200);
  });
});
