import assert from 'node:assert/strict';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { until } from '../../testing/until.ts';
import { clock } from '../shared/clock.ts';
import { ERROR_CAUSES, type ErrorCause, LATENCY_PARTS } from '../shared/stats.ts';
import { ask, backend, Harness, raw } from '../testing/harness.ts';

describe('what the gateway counts of its requests', () => {
  let harness: Harness;
  let program: { server: Server; port: number };
  /** The program responds when the test says so. */
  let respond: (() => void)[];

  beforeEach(async () => {
    respond = [];
    harness = await new Harness().listen();
    program = await backend((request, response) => {
      if (request.url === '/broken') {
        response.writeHead(200, { 'content-length': 10 });
        response.write('five.', () => response.destroy());
      } else if (request.url === '/held') {
        respond.push(() => response.end('ok'));
      } else {
        response.end('ok');
      }
    });
  });

  afterEach(async () => {
    await harness.close();
    program.server.closeAllConnections();
    program.server.close();
  });

  const ended = (count: number) =>
    until(`${count} requests have ended`, () => {
      const { requests, inFlight, queued } = harness.stats.read(0, clock());
      return requests === count && inFlight + queued === 0;
    });
  const parts = () => {
    const { parts, latencySumMs } = harness.stats.read(0, clock());
    const named = Object.fromEntries(LATENCY_PARTS.map((part, i) => [part, parts[i] as number]));
    return { ...named, latencySumMs } as Record<(typeof LATENCY_PARTS)[number] | 'latencySumMs', number>;
  };
  const errors = (): Partial<Record<ErrorCause, number>> => {
    const { errors } = harness.stats.read(0, clock());
    return Object.fromEntries(ERROR_CAUSES.flatMap((cause, i) => (errors[i] ? [[cause, errors[i]]] : [])));
  };
  const total = (name: 'wait' | 'upstream' | 'overhead') =>
    harness.stats.histograms.read(name).counts.reduce((sum, count) => sum + count, 0);

  it('a request that finds an instance waits for none; all its time is the gateway’s and the instance’s', async () => {
    harness.serve('app.test', { ports: [program.port] });
    await ask(harness.origin);
    await ended(1);
    const { queue, gateway, upstream, response, latencySumMs } = parts();
    assert.equal(queue, 0);
    assert.ok(gateway > 0 && upstream > 0 && response >= 0);
    assert.ok(Math.abs(gateway + upstream + response - latencySumMs) < 1e-6);
    assert.deepEqual([total('wait'), total('upstream'), total('overhead')], [0, 1, 1]);
  });

  it('the wait for an instance is the queue’s time, and the time in the program the upstream’s', async () => {
    harness.serve('app.test', { limit: 1, ports: [program.port] });
    const first = ask(harness.origin, '/held');
    await until('the program has the first', () => respond.length === 1);
    const second = ask(harness.origin, '/');
    await until('the second waits', () => harness.stats.read(0, clock()).queued === 1);
    const from = clock();
    await until('some time has passed', () => clock() - from > 50);
    respond[0]?.();
    await Promise.all([first, second]);
    await ended(2);
    const { queue, gateway, upstream } = parts();
    assert.ok(queue >= 50 && upstream >= 50, JSON.stringify(parts()));
    assert.ok(gateway < queue, JSON.stringify(parts()));
    assert.deepEqual([total('wait'), total('upstream'), total('overhead')], [1, 2, 2]);
    assert.ok(harness.stats.histograms.read('wait').sum >= 50);
  });

  it('a request that is rejected from the queue had its time there, and no instance is blamed for it', async () => {
    harness.serve('app.test', { queueLimitMs: 20 });
    assert.equal((await ask(harness.origin)).status, 429);
    await ended(1);
    const { queue, upstream } = parts();
    assert.ok(queue >= 20 && upstream === 0, JSON.stringify(parts()));
    assert.deepEqual([total('wait'), total('upstream')], [0, 0]);
    assert.deepEqual(errors(), { queue_time: 1 });
  });

  it('an upgrade that the program refuses is divided in the same way', async () => {
    harness.serve('app.test', { ports: [program.port] });
    const upgrade = 'GET / HTTP/1.1\r\nhost: app.test\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n';
    assert.match(await raw(harness.port, upgrade), /^HTTP\/1.1 200/);
    await ended(1);
    const { gateway, upstream } = parts();
    assert.ok(gateway > 0 && upstream > 0, JSON.stringify(parts()));
    assert.equal(total('upstream'), 1);
  });

  describe('errors by cause', () => {
    it('a response that the program broke off', async () => {
      harness.serve('app.test', { ports: [program.port] });
      await assert.rejects(ask(harness.origin, '/broken'));
      await ended(1);
      assert.deepEqual(errors(), { response_broken: 1 });
    });

    it('a client that left', async () => {
      harness.serve('app.test', { ports: [program.port] });
      const socket = connect({ port: harness.port, host: '127.0.0.1' });
      socket.write('GET /held HTTP/1.1\r\nhost: app.test\r\n\r\n');
      await until('the program has it', () => respond.length === 1);
      socket.destroy();
      await ended(1);
      assert.deepEqual(errors(), { client_left: 1 });
    });

    it('a deadline', async () => {
      harness.serve('app.test', { timeoutMs: 50, ports: [program.port] });
      assert.equal((await ask(harness.origin, '/held')).status, 504);
      await ended(1);
      assert.deepEqual(errors(), { deadline: 1 });
      assert.ok(parts().upstream > 25, JSON.stringify(parts()));
    });

    it('none for a response of the program, whatever its status', async () => {
      harness.serve('app.test', { ports: [program.port] });
      await ask(harness.origin);
      await ended(1);
      assert.deepEqual(errors(), {});
    });
  });
});
