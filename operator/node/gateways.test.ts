import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { MAX_ADDRESSES } from '../gateway/shared/addressProtocol.ts';
import { freePort } from '../testing/freePort.ts';
import { silent, until } from '../testing/until.ts';
import { Gateways } from './gateways.ts';

/** Programs on loopback addresses stand for the gateways' admin ports. */
describe('Gateways', () => {
  let port: number;
  let servers: Server[];
  /** Bodies by the gateway's address. */
  let received: Map<string, Record<string, string>[]>;
  let found: string[] | Error;
  let lookups: number;
  let now: number;
  let gateways: Gateways;

  /** @param hangs it takes requests and never answers. */
  const gateway = async (address: string, { status = 200, hangs = false } = {}) => {
    const bodies: Record<string, string>[] = [];
    received.set(address, bodies);
    const server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
      assert.deepEqual([request.method, request.url], ['POST', '/addresses']);
      bodies.push(JSON.parse(Buffer.concat(chunks).toString()));
      if (!hangs) response.writeHead(status).end('{}');
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(port, address, resolve));
  };
  const has = (address: string, uid: string, ip: string) =>
    until(`${address} has ${uid}`, () => received.get(address)?.some((body) => body[uid] === ip) === true);

  beforeEach(async () => {
    [port, servers, received, found, lookups, now] = [await freePort(), [], new Map(), [], 0, 0];
    gateways = new Gateways({
      lookup: async () => {
        lookups++;
        if (found instanceof Error) throw found;
        return found;
      },
      port,
      log: silent,
      now: () => now,
    });
  });
  afterEach(() => {
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
  });

  it('sends to all of them at once, also where one hangs and one rejects', async () => {
    await gateway('127.0.0.1', { hangs: true });
    await gateway('127.0.0.2', { status: 403 });
    await gateway('127.0.0.3');
    found = ['127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.4'];
    gateways.send('p1', '10.0.0.1');
    await has('127.0.0.3', 'p1', '10.0.0.1');
    gateways.send('p2', '10.0.0.2');
    await has('127.0.0.3', 'p2', '10.0.0.2');
    await has('127.0.0.2', 'p2', '10.0.0.2');
    assert.deepEqual(received.get('127.0.0.1'), [{ p1: '10.0.0.1' }], 'one message at a time');
    await has('127.0.0.1', 'p2', '10.0.0.2');
  });

  it('looks them up again after two seconds, and keeps them when that fails', async () => {
    await gateway('127.0.0.1');
    await gateway('127.0.0.2');
    found = ['127.0.0.1'];
    gateways.send('p1', '10.0.0.1');
    await has('127.0.0.1', 'p1', '10.0.0.1');
    gateways.send('p1', '');
    await has('127.0.0.1', 'p1', '');
    assert.equal(lookups, 1);
    now = 2000;
    found = new Error('no name server');
    gateways.send('p2', '10.0.0.2');
    await has('127.0.0.1', 'p2', '10.0.0.2');
    found = ['127.0.0.2'];
    gateways.send('p3', '10.0.0.3');
    await has('127.0.0.2', 'p3', '10.0.0.3');
    assert.equal(
      received.get('127.0.0.1')?.some((body) => 'p3' in body),
      false,
      'it is gone',
    );
  });

  it('sends the newest of what came while it waited, in messages of bounded size', async () => {
    await gateway('127.0.0.1');
    found = ['127.0.0.1'];
    for (let i = 0; i < 1500; i++) gateways.send(`p${i}`, '10.0.0.1');
    gateways.send('p1499', '10.0.0.2');
    await has('127.0.0.1', 'p1499', '10.0.0.2');
    const bodies = received.get('127.0.0.1') ?? [];
    assert.deepEqual(
      bodies.map((body) => Object.keys(body).length),
      [MAX_ADDRESSES, MAX_ADDRESSES],
    );
    assert.ok(!bodies.some((body) => 'p499' in body) && bodies.some((body) => 'p500' in body));
  });
});
