import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createNet } from 'node:net';
import { silent, until } from '../testing/until.ts';
import { ask, LIMITS } from './harness.ts';
import type { FromThread } from './messages.ts';
import { RouteTable } from './routeTable.ts';
import { Slots } from './slots.ts';
import { Stats } from './stats.ts';
import { Threads } from './threads.ts';

async function freePort(): Promise<number> {
  const server = createNet();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** Real worker threads on one port. */
describe('Threads', function () {
  this.timeout(20_000);
  let slots: Slots;
  let table: RouteTable;
  let threads: Threads;
  let port: number;
  let most = 0;
  const messages: FromThread[] = [];
  const program = createServer((_request, response) => {
    inside++;
    most = Math.max(most, inside);
    setTimeout(() => {
      inside--;
      response.end('ok');
    }, 5);
  });
  let inside = 0;

  before(async () => {
    program.listen(0, '127.0.0.1');
    await once(program, 'listening');
  });

  after(() => {
    program.closeAllConnections();
    program.close();
  });

  beforeEach(async () => {
    port = await freePort();
    slots = Slots.create(2);
    table = new RouteTable(() => {});
    const programPort = (program.address() as { port: number }).port;
    const check = { attempt: { kind: 'tcp' as const, port: 1, timeoutMs: 1000 }, delayMs: 0 };
    table.setRevision('ns/a', { limit: 3, timeoutMs: 60_000, protocol: 'http1', port: 1, check }, 10_000);
    table.setRoute('ns/r', {
      createdAt: '',
      hosts: new Map([['app.test', [{ revision: 'ns/a', percent: 100 }]]]),
      internalOnly: false,
    });
    table.setInstance(0, { slot: 0, revision: 'ns/a', pod: 'p', host: '127.0.0.1', port: programPort });
    table.take();
    messages.length = 0;
    threads = new Threads({
      slots,
      stats: Stats.create(2),
      port,
      internalPort: await freePort(),
      host: '127.0.0.1',
      limits: LIMITS,
      log: silent,
      snapshot: () => table.snapshot(),
      receive: (message) => messages.push(message),
    });
    await threads.start();
  });

  afterEach(() => threads.stop(0));

  it('share a port and keep the limit of an instance between them', async () => {
    threads.grow();
    await until('both listen', () => threads.listening);
    most = 0;
    const answers = await Promise.all(Array.from({ length: 200 }, () => ask(`http://127.0.0.1:${port}`)));
    assert.ok(answers.every(({ status }) => status === 200));
    assert.equal(most, 3);
    await until('all places are free', () => slots.inFlight(0) === 0);
  });

  it('tell when all of them use a table', async () => {
    table.setInstance(0, undefined);
    const update = table.take() ?? assert.fail();
    threads.send(update);
    await until('it is applied', () => threads.applied === update.version);
  });

  it('are replaced when they die, and what they held is given back', async () => {
    // A thread that dies young would end the process.
    await new Promise((resolve) => setTimeout(resolve, 2100));
    slots.acquire(0, 0, 3);
    threads.send({ kind: 'update' } as never);
    const listened = () => messages.filter(({ kind }) => kind === 'listening').length;
    await until('another listens', () => listened() === 2);
    assert.equal(slots.inFlight(0), 0);
    assert.equal((await ask(`http://127.0.0.1:${port}`)).status, 200);
  });

  it('end the process when they cannot live', async () => {
    const failed = assert.rejects(threads.failed, /right after its start/);
    threads.send({ kind: 'update' } as never);
    await failed;
  });
});
