import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { Random } from '../../testing/random.ts';
import { Slots } from '../shared/slots.ts';
import { ask, Harness } from '../testing/harness.ts';
import { InstancePool } from './instancePool.ts';
import { Ejection } from './upstream/ejection.ts';
import type { Instance } from './upstream/instance.ts';

describe('ejection with two gateways', () => {
  const servers: Server[] = [];
  const gateways: Harness[] = [];

  /** An instance that answers, or one that breaks off each request. @returns its port, and how many it has had. */
  async function instance(answers: boolean): Promise<{ port: number; requests: () => number }> {
    let requests = 0;
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', () => {
        requests++;
        if (answers) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
        else socket.destroy();
      });
    });
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return { port: (server.address() as { port: number }).port, requests: () => requests };
  }

  afterEach(async () => {
    await Promise.all(gateways.splice(0).map((gateway) => gateway.close()));
    for (const server of servers.splice(0)) server.close();
  });

  it('is decided by each from its own requests, and shared by none', async () => {
    const [good, broken] = [await instance(true), await instance(false)];
    for (let i = 0; i < 2; i++) {
      const gateway = await new Harness().listen();
      gateways.push(gateway);
      gateway.serve('app.test', { ports: [good.port, broken.port] });
    }
    for (const [i, gateway] of gateways.entries()) {
      // With nothing in flight the two take turns, until the broken one has failed three times in a row.
      const statuses: number[] = [];
      while (statuses.filter((status) => status !== 200).length < 3 && statuses.length < 20)
        statuses.push((await ask(gateway.origin)).status);
      assert.equal(broken.requests(), 3 * (i + 1), 'three requests of each gateway reached it');
      assert.equal(gateway.slots.usage.read().count('ejected'), 1);
    }
  });
});

/** Requests at random moments to instances of which one has just started: it is slow at first, as its caches are empty. */
describe('an instance that has just started', () => {
  const COUNT = 4;
  const WARM_MS = 10;
  const COLD_MS = 200;
  const REQUESTS = 4000;
  /** 200 requests a second for each instance: two in flight when all of them are warm. */
  const EVERY_MS = 5 / COUNT;

  /** @returns the share of the slow instance in the requests, and the most that it had at once. */
  function simulate(limit: number): { share: number; most: number; waited: number } {
    const random = new Random(12);
    const slots = Slots.create(1);
    const pool = new InstancePool(0, slots);
    const of = (slot: number) => ({ slot, ejection: new Ejection(), taken() {} }) as unknown as Instance;
    for (let slot = 0; slot < COUNT; slot++) pool.add(of(slot));
    const running: { slot: number; endsAt: number }[] = [];
    let [now, cold, most, waited] = [0, 0, 0, 0];
    for (let i = 0; i < REQUESTS; i++) {
      now -= Math.log(1 - random.next()) * EVERY_MS;
      for (let at = running.length - 1; at >= 0; at--) {
        const { slot, endsAt } = running[at] as { slot: number; endsAt: number };
        if (endsAt > now) continue;
        slots.release(0, slot);
        running.splice(at, 1);
      }
      const taken = pool.take(limit);
      if (!taken) {
        waited++;
        continue;
      }
      if (taken.slot === 0) cold++;
      most = Math.max(most, slots.inFlight(0));
      running.push({ slot: taken.slot, endsAt: now + (taken.slot === 0 ? COLD_MS : WARM_MS) });
    }
    return { share: cold / REQUESTS, most, waited };
  }

  it('gets few requests while it is slow, because those with the fewest in flight come first', () => {
    const { share, most, waited } = simulate(80);
    assert.ok(share < 0.05, `${share} of the requests, where a quarter would be an equal share`);
    assert.ok(most < 12, `${most} requests at once, of 80`);
    assert.equal(waited, 0);
  });
});
