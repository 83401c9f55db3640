import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttp, request } from 'node:http';
import { createServer as createHttp2 } from 'node:http2';
import { createServer, type Server, type Socket } from 'node:net';
import { until } from '../../testing/until.ts';
import { ask, Harness } from '../testing/harness.ts';

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as { port: number }).port;
}

/** A port without a listener. */
async function deadPort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  server.close();
  await once(server, 'close');
  return port;
}

describe('gateway and failing instances', () => {
  let harness: Harness;
  const servers: Server[] = [];
  const sockets = new Set<Socket>();

  /** An instance that does with each connection's first bytes what the test says. */
  const instance = async (act: (socket: Socket, bytes: string, nth: number) => void): Promise<number> => {
    let connections = 0;
    const server = createServer((socket) => {
      const nth = ++connections;
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => {});
      socket.on('data', (bytes) => act(socket, bytes.toString('latin1'), nth));
    });
    servers.push(server);
    return listen(server);
  };
  const ok = (socket: Socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');

  beforeEach(async () => {
    harness = await new Harness().listen();
  });

  afterEach(async () => {
    await until('no request is left', () => harness.planes[0]?.open === 0);
    await harness.close();
    for (const socket of sockets) socket.destroy();
    for (const server of servers.splice(0)) server.close();
  });

  it('sends a request that no instance accepted to another, with its body', async () => {
    const bodies: string[] = [];
    const good = createHttp((req, res) => {
      req.setEncoding('utf8');
      let body = '';
      req.on('data', (part) => {
        body += part;
      });
      req.on('end', () => {
        bodies.push(body);
        res.end('ok');
      });
    });
    servers.push(good);
    const slots = harness.serve('app.test', {
      limit: 5,
      ports: [await deadPort(), await deadPort(), await listen(good)],
    });
    const answers = [];
    for (let i = 0; i < 3; i++)
      answers.push(await ask(harness.origin, '/', { method: 'POST', body: 'body' }));
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200],
    );
    assert.deepEqual(bodies, ['body', 'body', 'body']);
    assert.deepEqual(
      harness
        .sent('unreachable')
        .map(({ slot }) => slot)
        .sort(),
      slots.slice(0, 2),
      'each is reported once',
    );
    for (const slot of slots) assert.equal(harness.slots.inFlight(slot), 0);
    good.closeAllConnections();
  });

  it('keeps a request that no instance accepts in the queue until one does', async () => {
    harness.serve('app.test', { ports: [await deadPort()] });
    const answer = ask(harness.origin);
    await until(
      'it is back in line',
      () => harness.slots.waiting(0) === 1 && harness.sent('unreachable').length === 1,
    );
    await until('an instance is asked for', () => harness.sent('wanted').length === 1);
    harness.addInstance('ns/rev', await instance(ok));
    assert.equal((await answer).status, 200);
  });

  it('never sends a request twice when the instance may have got it', async () => {
    let requests = 0;
    const port = await instance((socket) => {
      requests++;
      socket.destroy();
    });
    harness.serve('app.test', { ports: [port, port] });
    const { status, text } = await ask(harness.origin);
    assert.equal(status, 500);
    assert.equal(text, 'The instance ended before it answered the request.\n');
    assert.equal(requests, 1);
  });

  it('aborts a response whose instance died in its middle', async () => {
    const port = await instance((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart', () => socket.destroy());
    });
    harness.serve('app.test', { ports: [port] });
    await assert.rejects(ask(harness.origin), /other side closed|ECONNRESET|terminated|aborted/);
  });

  it('aborts a chunked response too, so that it is not taken for complete', async () => {
    const port = await instance((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n', () =>
        socket.destroy(),
      );
    });
    harness.serve('app.test', { ports: [port] });
    await assert.rejects(ask(harness.origin), /other side closed|ECONNRESET|terminated|aborted/);
  });

  it('answers 502 to an answer that is no HTTP', async () => {
    harness.serve('app.test', { ports: [await instance((socket) => socket.write('hello\r\n\r\n'))] });
    assert.equal((await ask(harness.origin)).status, 502);
  });

  it('answers when the instance dies in the middle of an upload, and the client reads it', async () => {
    const port = await instance((socket) => socket.destroy());
    harness.serve('app.test', { ports: [port] });
    const { status } = await ask(harness.origin, '/', {
      method: 'POST',
      body: Buffer.alloc(20 * 1024 * 1024),
    });
    assert.equal(status, 500);
  });

  it('does not send a request again to the program that it has ended', async () => {
    // As a program that runs out of memory: its sockets close with it, and some time later it runs again.
    let deaths = 0;
    const program = createServer((socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => {});
      socket.on('data', (bytes) => {
        if (!bytes.toString('latin1').startsWith('GET /allocate')) {
          ok(socket);
          return;
        }
        deaths++;
        const { port } = program.address() as { port: number };
        program.close();
        for (const each of sockets) each.resetAndDestroy();
        setTimeout(() => program.listen(port, '127.0.0.1'), 300);
      });
    });
    servers.push(program);
    const [slot = -1] = harness.serve('app.test', { ports: [await listen(program)] });
    assert.equal((await ask(harness.origin)).status, 200, 'its connection stays');
    const { status, text } = await ask(harness.origin, '/allocate');
    assert.deepEqual([status, text], [500, 'The instance ended before it answered the request.\n']);
    assert.equal(deaths, 1);
    assert.deepEqual(
      harness.sent('unreachable').map((message) => message.slot),
      [slot],
      'it gets no request until it runs again',
    );
    await until('it runs again', () => program.listening);
    assert.equal(deaths, 1);
  });

  it('uses another connection when the instance has closed the idle one', async () => {
    let requests = 0;
    let last: Socket | undefined;
    const port = await instance((socket) => {
      requests++;
      last = socket;
      ok(socket);
    });
    harness.serve('app.test', { ports: [port] });
    for (let i = 0; i < 20; i++) {
      assert.equal((await ask(harness.origin)).status, 200);
      last?.end();
    }
    assert.equal(requests, 20);
  });

  it('closes an idle connection before programs with short idle times do', async () => {
    let closed = false;
    const port = await instance((socket) => {
      socket.on('end', () => {
        closed = true;
      });
      ok(socket);
    });
    harness.serve('app.test', { ports: [port] });
    await ask(harness.origin);
    const from = performance.now();
    await until('it is closed', () => closed);
    assert.ok(performance.now() - from < 5000);
  });

  it('answers 504 when timeoutSeconds have passed, and cancels the request to the instance', async () => {
    let closed = false;
    const port = await instance((socket) => {
      socket.on('close', () => {
        closed = true;
      });
    });
    const [slot = -1] = harness.serve('app.test', { timeoutMs: 1000, limit: 1, ports: [port] });
    const from = performance.now();
    const { status, text } = await ask(harness.origin);
    assert.ok(performance.now() - from >= 990);
    assert.equal(status, 504);
    assert.equal(text, 'The request was not answered within 1 seconds.\n');
    await until('the instance knows', () => closed);
    assert.equal(harness.slots.inFlight(slot), 0);
  });

  it('ends an answer of unknown length when timeoutSeconds are over in its middle', async () => {
    const port = await instance((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n');
    });
    const [slot = -1] = harness.serve('app.test', { timeoutMs: 200, ports: [port] });
    const { status, text } = await ask(harness.origin);
    assert.equal(status, 200);
    assert.equal(text, 'part');
    assert.equal(harness.slots.inFlight(slot), 0);
  });

  it('breaks an answer of known length off when timeoutSeconds are over in its middle', async () => {
    const port = await instance((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npart');
    });
    harness.serve('app.test', { timeoutMs: 200, ports: [port] });
    await assert.rejects(ask(harness.origin), /other side closed|ECONNRESET|terminated|aborted/);
  });

  it('counts the time in the queue: timeoutSeconds includes the start of the instance', async () => {
    harness.serve('app.test', { timeoutMs: 200, ports: [] });
    const { status, text } = await ask(harness.origin);
    assert.equal(status, 504);
    assert.equal(text, 'The request was not answered within 0.2 seconds.\n');
    assert.equal(harness.slots.waiting(0), 0, 'it waits no more');
  });

  it('lets requests end in an instance that leaves, and sends it no other', async () => {
    const held: Socket[] = [];
    const leaving = await instance((socket) => held.push(socket));
    const staying = await instance(ok);
    const [slot = -1] = harness.serve('app.test', { limit: 10, ports: [leaving] });
    const answer = ask(harness.origin);
    await until('it is in flight', () => held.length === 1);
    harness.removeInstance(slot);
    harness.addInstance('ns/rev', staying);
    for (let i = 0; i < 5; i++) assert.equal((await ask(harness.origin)).text, 'ok');
    ok(held[0] as Socket);
    assert.equal((await answer).status, 200);
    await until('its connection is closed', () => held[0]?.destroyed);
    assert.equal(held.length, 1);
  });

  it('cancels a connection attempt whose client left', async () => {
    // An h2c instance that never says its part of the preface keeps the attempt open.
    const port = await instance(() => {});
    const [slot = -1] = harness.serve('app.test', { protocol: 'h2c', ports: [port] });
    const call = request({ port: harness.port, headers: { host: 'app.test' } }).end();
    call.on('error', () => {});
    await until('it has a place', () => harness.slots.inFlight(slot) === 1);
    call.destroy();
    await until('the place is free', () => harness.slots.inFlight(slot) === 0);
  });

  it('does all this for h2c instances as well', async () => {
    const good = createHttp2();
    good.on('stream', (stream, headers) => {
      if (headers[':path'] === '/die') stream.session?.destroy();
      else {
        stream.respond();
        stream.end('ok');
      }
    });
    const port = await listen(good as unknown as Server);
    const [dead = -1] = harness.serve('app.test', { protocol: 'h2c', ports: [await deadPort(), port] });
    for (let i = 0; i < 3; i++) assert.equal((await ask(harness.origin)).status, 200);
    assert.deepEqual(
      harness.sent('unreachable').map(({ slot }) => slot),
      [dead],
    );
    assert.equal((await ask(harness.origin, '/die')).status, 500);
    assert.equal((await ask(harness.origin)).status, 200);
    good.close();
  });
});
