import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientRequest, createServer, request, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { until } from '../../testing/until.ts';
import { ask, Harness } from '../testing/harness.ts';

const WEBSOCKET =
  'GET / HTTP/1.1\r\nHost: app.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

/** A program that answers when the test says so. */
class Held {
  readonly server: Server;
  readonly inFlight: { path: string; response: ServerResponse }[] = [];
  readonly arrived: string[] = [];
  most = 0;
  #now = 0;

  constructor() {
    this.server = createServer((req, response) => {
      this.#now++;
      this.most = Math.max(this.most, this.#now);
      this.arrived.push(req.url as string);
      this.inFlight.push({ path: req.url as string, response });
      response.on('close', () => {
        this.#now--;
      });
    });
  }

  async listen(): Promise<number> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return (this.server.address() as { port: number }).port;
  }

  /** Answers the request that has been in flight longest. */
  answer(): void {
    this.inFlight.shift()?.response.end('done');
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

describe('gateway with more requests than slots', () => {
  let harness: Harness;
  let held: Held;
  let port: number;

  beforeEach(async () => {
    held = new Held();
    port = await held.listen();
    harness = await new Harness(2).listen();
  });

  afterEach(async () => {
    await harness.close();
    held.close();
  });

  const origin = (thread: number) => `http://127.0.0.1:${harness.ports[thread]}`;
  const send = (thread: number, path: string): ClientRequest =>
    request({ port: harness.ports[thread], path, headers: { host: 'app.test' } })
      .on('error', () => {})
      .end();

  it('serves them in the order in which they came, over all threads', async () => {
    harness.serve('app.test', { limit: 1, ports: [port] });
    const paths = ['/0', '/1', '/2', '/3', '/4', '/5'];
    for (const [i, path] of paths.entries()) {
      send(i % 2, path);
      await until(`${path} is known`, () => held.inFlight.length + harness.slots.waiting(0) === i + 1);
    }
    for (const [i] of paths.entries()) {
      await until(`request ${i} is in flight`, () => held.arrived.length === i + 1);
      held.answer();
    }
    assert.deepEqual(held.arrived, paths);
    assert.equal(held.most, 1);
  });

  it('keeps containerConcurrency under hammering through two threads', async () => {
    const instances = [held, new Held(), new Held()];
    const ports = [port, await (instances[1] as Held).listen(), await (instances[2] as Held).listen()];
    harness.serve('app.test', { limit: 3, ports });
    for (const { server } of instances) {
      server.on('request', (_req, res) => setTimeout(() => res.end('x'), 10 + Math.random() * 5));
    }
    const answers = await Promise.all(Array.from({ length: 300 }, (_, i) => ask(origin(i % 2))));
    assert.ok(answers.every(({ status }) => status === 200));
    for (const { most } of instances) assert.equal(most, 3, 'all slots are used, and none twice');
    for (const instance of instances.slice(1)) instance.close();
  });

  it('answers 429 with Retry-After when its time in the queue is over', async () => {
    harness.serve('app.test', { limit: 1, ports: [port], queueLimitMs: 150 });
    send(0, '/first');
    await until('it is in flight', () => held.inFlight.length === 1);
    const { status, headers, text } = await ask(origin(1));
    assert.equal(status, 429);
    assert.equal(headers['retry-after'], '1');
    assert.match(text, /^No instance became free for this request in time\.\n$/);
    assert.deepEqual(held.arrived, ['/first']);
  });

  it('answers 503 with the reason when its time in the queue is over and no instance can start', async () => {
    const failing = 'CreateContainerConfigError';
    harness.serve('app.test', { ports: [], queueLimitMs: 150, failing });
    const { status, headers, text } = await ask(origin(0));
    assert.equal(status, 503);
    assert.equal(headers['retry-after'], '1');
    assert.match(text, /^No instance can start: CreateContainerConfigError\. .* revision .*\n$/);
    assert.equal(harness.sent('wanted').length, 1, 'it may start now: the next request tries again');
    harness.revision({ limit: 1, queueLimitMs: 150, failing, ports: [port] });
    send(0, '/first');
    await until('it is in flight', () => held.inFlight.length === 1);
    assert.equal(
      (await ask(origin(1))).status,
      429,
      'the reported reason is outdated: an instance is there, and has no free slot',
    );
  });

  it('answers so too when timeoutSeconds are over before', async () => {
    harness.serve('app.test', { ports: [], timeoutMs: 150, failing: 'ExitCode1' });
    const { status, text } = await ask(origin(0));
    assert.equal(status, 503);
    assert.match(text, /^No instance can start: ExitCode1\. /);
    const socket = connect(harness.port, '127.0.0.1');
    socket.write(WEBSOCKET);
    const [bytes] = (await once(socket, 'data')) as [Buffer];
    assert.match(bytes.toString(), /^HTTP\/1\.1 503 .*No instance can start: ExitCode1\. /s);
    socket.destroy();
  });

  it('lets no request wait whose client has left', async () => {
    harness.serve('app.test', { limit: 1, ports: [port] });
    send(0, '/first');
    await until('it is in flight', () => held.inFlight.length === 1);
    const second = send(0, '/second');
    await until('it waits', () => harness.slots.waiting(0) === 1);
    send(0, '/third');
    await until('it waits', () => harness.slots.waiting(0) === 2);
    second.destroy();
    await until('it has left the queue', () => harness.slots.waiting(0) === 1);
    held.answer();
    await until('the third is in flight', () => held.arrived.length === 2);
    assert.deepEqual(held.arrived, ['/first', '/third']);
  });

  it('asks for an instance when there is none, and serves all who wait when it comes', async () => {
    harness.serve('app.test', { ports: [] });
    const answers = Promise.all([ask(origin(0)), ask(origin(0)), ask(origin(1))]);
    await until('all wait', () => harness.slots.waiting(0) === 3);
    assert.equal(harness.sent('wanted').length, 2, 'once for each thread, not for each request');
    harness.addInstance('ns/rev', port);
    await until('all are in flight', () => held.inFlight.length === 3);
    for (let i = 0; i < 3; i++) held.answer();
    assert.ok((await answers).every(({ status }) => status === 200));
  });

  it('repeats its need while it lasts', async () => {
    harness.serve('app.test', { ports: [] });
    const call = send(0, '/');
    await until('it is said again', () => harness.sent('wanted').length === 2);
    call.destroy();
  });

  it('says 503 to who waits for a revision that goes away', async () => {
    harness.serve('app.test', { ports: [] });
    const answer = ask(origin(0));
    await until('it waits', () => harness.slots.waiting(0) === 1);
    harness.removeRevision('ns/rev');
    assert.equal((await answer).status, 503);
    assert.equal(harness.slots.waiting(0), 0);
  });

  it('rejects at once, and starts nothing, while the manual instance count is 0', async () => {
    const refused = /^The service is stopped: its manual instance count is 0\.\n$/;
    harness.serve('app.test', { ports: [], stopped: true });
    const { status, text } = await ask(origin(0));
    assert.equal(status, 503);
    assert.match(text, refused);
    assert.deepEqual([harness.sent('wanted'), harness.slots.waiting(0)], [[], 0]);
    const socket = connect(harness.port, '127.0.0.1');
    socket.end(WEBSOCKET);
    const [bytes] = (await once(socket, 'data')) as [Buffer];
    assert.match(bytes.toString(), /^HTTP\/1\.1 503 /);
    socket.destroy();
  });

  it('rejects also waiting requests when the manual instance count is set to 0', async () => {
    harness.serve('app.test', { ports: [] });
    const answer = ask(origin(0));
    await until('it waits', () => harness.slots.waiting(0) === 1);
    harness.revision({ stopped: true });
    assert.equal((await answer).status, 503);
    assert.equal(harness.slots.waiting(0), 0);
  });

  it('sends to the instance with the fewest requests in flight', async () => {
    const other = new Held();
    harness.serve('app.test', { limit: 10, ports: [port, await other.listen()] });
    for (let i = 0; i < 10; i++) {
      send(i % 2, `/${i}`);
      await until('it is in flight', () => held.inFlight.length + other.inFlight.length === i + 1);
    }
    assert.deepEqual([held.inFlight.length, other.inFlight.length], [5, 5]);
    other.close();
  });

  it('counts what the autoscaler reads', async () => {
    harness.serve('app.test', { limit: 1, ports: [port] });
    const { clock } = await import('../shared/clock.ts');
    const before = harness.stats.read(0, clock());
    const from = clock();
    const sentAt = Date.now();
    send(0, '/a');
    await until('it is in flight', () => held.inFlight.length === 1);
    send(1, '/b');
    await until('it waits', () => harness.slots.waiting(0) === 1);
    const during = clock();
    const stats = harness.stats.read(0, during);
    assert.deepEqual([stats.requests, stats.inFlight, stats.queued], [2, 1, 1]);
    assert.ok(stats.lastRequestAt >= sentAt - 100 && stats.lastRequestAt <= Date.now() + 100);
    held.answer();
    await until('the second is in flight', () => held.arrived.length === 2);
    held.answer();
    await until('both ended', () => harness.stats.read(0, clock()).inFlight === 0);
    const after = harness.stats.read(0, clock());
    assert.equal(after.classes[1], 2);
    assert.equal(
      after.latency.reduce((sum, n) => sum + n, 0),
      2,
    );
    const mean = (after.concurrencyMs - before.concurrencyMs) / (clock() - from);
    assert.ok(mean > 0 && mean <= 2, `mean concurrency ${mean}`);
    const later = harness.stats.read(0, clock() + 1000);
    assert.equal(later.concurrencyMs, after.concurrencyMs, 'nothing is counted without a request');
  });
});
