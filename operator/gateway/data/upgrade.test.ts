import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { connect } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { until } from '../../testing/until.ts';
import { Harness } from '../testing/harness.ts';

describe('gateway and WebSocket', () => {
  let harness: Harness;
  let server: Server;
  let sockets: WebSocketServer;
  let slot: number;
  let seen: IncomingMessage | undefined;
  let closed = 0;

  before(async () => {
    server = createServer((_req, res) => res.writeHead(426, { 'x-a': 'b' }).end('use WebSocket'));
    sockets = new WebSocketServer({ noServer: true });
    server.on('upgrade', (request, socket, head) => {
      seen = request;
      if (request.url === '/refuse') {
        socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\nX-Why: not you\r\n\r\nnope');
        return;
      }
      if (request.url === '/hang') return;
      if (request.url === '/die') {
        socket.destroy();
        return;
      }
      sockets.handleUpgrade(request, socket, head, (ws) => {
        ws.on('message', (data, binary) => ws.send(data, { binary }));
        ws.on('close', () => {
          closed++;
        });
        ws.on('error', () => {});
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    harness = await new Harness().listen();
    const ports = [(server.address() as { port: number }).port];
    [slot = -1] = harness.serve('ws.test', { ports, timeoutMs: 60_000, limit: 2 });
  });

  after(async () => {
    await harness.close();
    sockets.close();
    server.closeAllConnections();
    server.close();
  });

  afterEach(() => until('its slot is free', () => harness.slots.inFlight(slot) === 0));

  const open = async (path = '/') => {
    const ws = new WebSocket(`ws://127.0.0.1:${harness.port}${path}`, { headers: { host: 'ws.test' } });
    await once(ws, 'open');
    return ws;
  };

  it('echoes text and binary, and counts as one request in flight', async () => {
    const ws = await open('/chat?x=1');
    assert.equal(harness.slots.inFlight(slot), 1);
    assert.equal(seen?.url, '/chat?x=1');
    assert.equal(seen?.headers.host, 'ws.test');
    assert.equal(seen?.headers['x-forwarded-for'], '127.0.0.1');
    ws.send('hello');
    assert.equal(String((await once(ws, 'message'))[0]), 'hello');
    const large = Buffer.alloc(1024 * 1024, 7);
    ws.send(large);
    assert.ok(((await once(ws, 'message'))[0] as Buffer).equals(large));
    ws.close();
    await once(ws, 'close');
  });

  it('closes in the instance when the client disconnects', async () => {
    const before = closed;
    const ws = await open();
    ws.terminate();
    await until('the instance knows', () => closed === before + 1);
  });

  it('waits for a slot like any request', async () => {
    const [first, second] = [await open(), await open()];
    const third = open();
    await until('it waits', () => harness.slots.waiting(0) === 1);
    first?.close();
    const ws = await third;
    ws.close();
    second?.close();
    await once(ws, 'close');
  });

  it('forwards a rejection', async () => {
    const ws = new WebSocket(`ws://127.0.0.1:${harness.port}/refuse`, { headers: { host: 'ws.test' } });
    ws.on('error', () => {});
    const [, response] = (await once(ws, 'unexpected-response')) as [unknown, IncomingMessage];
    assert.equal(response.statusCode, 403);
    assert.equal(response.headers['x-why'], 'not you');
    response.destroy();
  });

  it('answers 500 when the instance dies before it answers', async () => {
    const ws = new WebSocket(`ws://127.0.0.1:${harness.port}/die`, { headers: { host: 'ws.test' } });
    ws.on('error', () => {});
    const [, response] = (await once(ws, 'unexpected-response')) as [unknown, IncomingMessage];
    assert.equal(response.statusCode, 500);
    response.resume();
  });

  it('ends at the time limit, before and after the answer', async () => {
    harness.revision({ limit: 2, timeoutMs: 100 });
    const ws = await open();
    await once(ws, 'close');
    const hanging = new WebSocket(`ws://127.0.0.1:${harness.port}/hang`, { headers: { host: 'ws.test' } });
    hanging.on('error', () => {});
    const [, response] = (await once(hanging, 'unexpected-response')) as [unknown, IncomingMessage];
    assert.equal(response.statusCode, 504);
    response.resume();
    harness.revision({ limit: 2, timeoutMs: 60_000 });
  });

  it('passes bytes that the client sent too early', async () => {
    const echo = createServer();
    echo.on('upgrade', (_request, socket, head: Buffer) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: raw\r\n\r\n');
      socket.write(head);
      socket.pipe(socket);
    });
    echo.listen(0, '127.0.0.1');
    await once(echo, 'listening');
    const [own = -1] = harness.serve('raw.test', {
      key: 'ns/raw',
      ports: [(echo.address() as { port: number }).port],
    });
    const socket = connect({ port: harness.port, host: '127.0.0.1' });
    let text = '';
    socket.on('data', (part) => {
      text += part;
    });
    socket.write('GET / HTTP/1.1\r\nHost: raw.test\r\nConnection: Upgrade\r\nUpgrade: raw\r\n\r\nearly');
    await until('the early bytes came back', () => text.endsWith('\r\n\r\nearly'));
    socket.write(' late');
    await until('later ones too', () => text.endsWith('early late'));
    socket.end();
    await until('its slot is free', () => harness.slots.inFlight(own) === 0);
    echo.closeAllConnections();
    echo.close();
  });

  it('is rejected for a revision with h2c', async () => {
    harness.serve('h2.test', { key: 'ns/h2', protocol: 'h2c' });
    const ws = new WebSocket(`ws://127.0.0.1:${harness.port}/`, { headers: { host: 'h2.test' } });
    ws.on('error', () => {});
    const [, response] = (await once(ws, 'unexpected-response')) as [unknown, IncomingMessage];
    assert.equal(response.statusCode, 501);
    response.resume();
  });
});
