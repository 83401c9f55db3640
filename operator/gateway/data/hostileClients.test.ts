import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  createServer as createHttp,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from 'node:http';
import { connect as connectHttp2, constants, createServer as createHttp2 } from 'node:http2';
import { connect, createServer, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { WebSocket, WebSocketServer } from 'ws';
import { until } from '../../testing/until.ts';
import * as h2 from '../fuzz/frames.ts';
import { ask, Harness, raw } from '../testing/harness.ts';

const HOST = 'Host: app.test\r\n';
const UPGRADE = 'Connection: Upgrade\r\nUpgrade: websocket\r\n';

describe('gateway and clients that do anything', () => {
  let harness: Harness;
  let server: Server;
  let handle: RequestListener;
  let slot: number;
  let seen: IncomingMessage[];

  beforeEach(async () => {
    seen = [];
    handle = (_req, res) => res.end('ok');
    server = createHttp((req, res) => {
      seen.push(req);
      handle(req, res);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    harness = await new Harness().listen();
    [slot = -1] = harness.serve('app.test', { ports: [(server.address() as { port: number }).port] });
  });

  afterEach(async () => {
    await until('no request is left', () => harness.planes[0]?.open === 0);
    assert.equal(harness.slots.inFlight(slot), 0);
    assert.deepEqual(harness.sent('error'), [], 'nothing was unforeseen');
    await harness.close();
    server.closeAllConnections();
    server.close();
  });

  const open = (bytes: string): Socket => {
    const socket = connect({ port: harness.port, host: '127.0.0.1' });
    socket.on('error', () => {});
    socket.write(bytes, 'latin1');
    return socket;
  };

  describe('that reset their connection', () => {
    const requests = {
      'an upgrade to an unknown host': `GET / HTTP/1.1\r\nHost: none.test\r\n${UPGRADE}\r\n`,
      'an upgrade without Host': `GET / HTTP/1.1\r\n${UPGRADE}\r\n`,
      'an upgrade to an h2c revision': `GET / HTTP/1.1\r\nHost: h2.test\r\n${UPGRADE}\r\n`,
      CONNECT: `CONNECT app.test:80 HTTP/1.1\r\n${HOST}\r\n`,
      'no request': 'hello\r\n\r\n',
      'an upgrade that waits': `GET / HTTP/1.1\r\nHost: empty.test\r\n${UPGRADE}\r\n`,
    };
    for (const [name, bytes] of Object.entries(requests)) {
      it(`after ${name}: no other client is harmed`, async () => {
        harness.serve('h2.test', { key: 'ns/h2', protocol: 'h2c' });
        harness.serve('empty.test', { key: 'ns/empty' });
        const sockets = Array.from({ length: 12 }, () => open(bytes));
        await Promise.all(sockets.map((socket) => once(socket, 'connect')));
        for (const socket of sockets) socket.resetAndDestroy();
        assert.equal((await ask(harness.origin)).status, 200);
        await until('no request waits', () => harness.planes[0]?.open === 0);
      });
    }
  });

  describe('that leave while they wait', () => {
    const leave = {
      'with a reset': (socket: Socket) => void socket.resetAndDestroy(),
      'with an end': (socket: Socket) => void socket.destroy(),
    };
    const requests = {
      'a WebSocket': `GET / HTTP/1.1\r\nHost: empty.test\r\n${UPGRADE}\r\n`,
      'an upload': `POST / HTTP/1.1\r\nHost: empty.test\r\nContent-Length: 100\r\n\r\npart`,
    };
    it('a large upload with a reset: it waits no more, and wakes nothing', async () => {
      harness.serve('empty.test', { key: 'ns/empty' });
      const socket = open('POST / HTTP/1.1\r\nHost: empty.test\r\nContent-Length: 10000000\r\n\r\n');
      await until('it waits', () => harness.slots.waiting(1) === 1);
      socket.write(Buffer.alloc(1_000_000));
      await until('the gateway reads no more of it', () => socket.bytesWritten > 500_000);
      socket.resetAndDestroy();
      await until('it is gone', () => harness.slots.waiting(1) === 0, { timeoutMs: 5_000 });
    });

    for (const [who, bytes] of Object.entries(requests)) {
      for (const [how, act] of Object.entries(leave)) {
        it(`${who} ${how}: it waits no more, and wakes nothing`, async () => {
          harness.serve('empty.test', { key: 'ns/empty' });
          const socket = open(bytes);
          await until('it waits', () => harness.slots.waiting(1) === 1);
          act(socket);
          await until('it is gone', () => harness.slots.waiting(1) === 0, { timeoutMs: 5_000 });
        });
      }
    }
  });

  /** The begin of a connection over HTTP/2: a request without its body on stream 1, and these frames. */
  const begin2 = (method: string, host: string, ...frames: Buffer[]): Buffer => {
    const section = h2.block([
      [':method', method],
      [':scheme', 'http'],
      [':path', '/'],
      [':authority', host],
    ]);
    return Buffer.concat([h2.PREFACE, h2.settings(), ...h2.headers(1, 0, section), ...frames]);
  };

  it('closes an HTTP/2 connection that fails behind its GOAWAY, at once or later', async () => {
    const fault = h2.frame(h2.CONTINUATION, h2.END_HEADERS, 1);
    const begin = begin2('POST', 'app.test', h2.goaway(0, 0));
    // An answer at once would be the end of the request before the check.
    handle = () => {};
    for (const later of [false, true]) {
      const socket = open((later ? begin : Buffer.concat([begin, fault])).toString('latin1'));
      socket.resume();
      if (later) {
        await until('the request is known', () => harness.planes[0]?.open === 1);
        socket.write(fault);
      }
      await once(socket, 'close');
      await until('no request is left', () => harness.planes[0]?.open === 0);
    }
  });

  it('answers all streams of an HTTP/2 connection behind its GOAWAY, and closes it then', async () => {
    const body = h2.frame(h2.DATA, h2.END_STREAM, 1, Buffer.from('body'));
    const socket = open(begin2('POST', 'app.test', h2.goaway(0, 0), body).toString('latin1'));
    let answer = Buffer.alloc(0);
    socket.on('data', (bytes: Buffer) => {
      answer = Buffer.concat([answer, bytes]);
    });
    await once(socket, 'end');
    const frames = new h2.FrameReader().push(answer);
    const data = frames.filter(({ type }) => type === h2.DATA).map(({ payload }) => payload.toString());
    assert.equal(data.join(''), 'ok');
  });

  describe('that take a request over HTTP/2 back at once, without an error', () => {
    const requestFrames = (method: string, host: string) => begin2(method, host, h2.reset(1, 0));

    for (const method of ['GET', 'HEAD', 'POST', 'TRACE']) {
      it(`${method}, which would be rejected: no other client is harmed`, async () => {
        const socket = open(requestFrames(method, 'none.test').toString('latin1'));
        await until('the gateway has read it', () => socket.bytesRead > 0);
        assert.equal((await ask(harness.origin)).status, 200);
        socket.destroy();
      });

      it(`${method}, whose body has not arrived: the instance does not take it for complete`, async () => {
        let whole = 0;
        handle = (req, res) => {
          req.resume().on('end', () => {
            whole++;
            res.end('ok');
          });
        };
        const socket = open(requestFrames(method, 'app.test').toString('latin1'));
        await until('the gateway has read it', () => socket.bytesRead > 0);
        await until('it is over', () => harness.planes[0]?.open === 0);
        assert.equal(whole, 0);
        socket.destroy();
      });
    }
  });

  describe('that ask for an upgrade which is none', () => {
    const protocols = ['TLS/1.2', 'TLS/1.3', 'h2c', 'HTTP/2.0', 'h2c, websocket'];
    for (const protocol of protocols) {
      it(`${protocol}: it is ignored, with and without a body`, async () => {
        handle = (req, res) => req.pipe(res);
        const ask = `Connection: Upgrade\r\nUpgrade: ${protocol}\r\n`;
        const text = await raw(
          harness.port,
          `POST /1 HTTP/1.1\r\n${HOST}${ask}Content-Length: 5\r\n\r\nhello` +
            `POST /2 HTTP/1.1\r\n${HOST}${ask}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n` +
            `GET /3 HTTP/1.1\r\n${HOST}${ask}\r\nGET /4 HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`,
        );
        assert.deepEqual(
          seen.map(({ url, headers }) => [url, headers.upgrade]),
          [1, 2, 3, 4].map((nth) => [`/${nth}`, undefined]),
        );
        assert.match(text, /hello[\s\S]*abc/);
        assert.equal(text.match(/HTTP\/1\.1 200/g)?.length, 4);
      });
    }

    it('is ignored for an h2c revision as well', async () => {
      const http2 = createHttp2((_req, res) => res.end('ok'));
      http2.listen(0, '127.0.0.1');
      await once(http2, 'listening');
      const { port } = http2.address() as { port: number };
      harness.serve('h2.test', { key: 'ns/h2', protocol: 'h2c', ports: [port] });
      const text = await raw(
        harness.port,
        'POST / HTTP/1.1\r\nHost: h2.test\r\nConnection: Upgrade, close\r\nUpgrade: TLS/1.2\r\nContent-Length: 2\r\n\r\nhi',
      );
      assert.match(text, /^HTTP\/1\.1 200/);
      http2.close();
    });

    it('is none when a WebSocket handshake has a body', async () => {
      handle = (req, res) => req.pipe(res);
      const bytes = `POST / HTTP/1.1\r\n${HOST}${UPGRADE}Content-Length: 5\r\n\r\nhello`;
      assert.match(await raw(harness.port, bytes, /hello/), /^HTTP\/1\.1 200[\s\S]*hello/);
    });
  });

  it('names a method that the parser cannot take: 501', async () => {
    for (const method of ['LIST', 'FOO']) {
      const text = await raw(harness.port, `${method} / HTTP/1.1\r\n${HOST}\r\n`);
      assert.match(text, /^HTTP\/1\.1 501 /);
      assert.match(text, new RegExp(`The method ${method} is not supported over HTTP/1.1.\n$`));
    }
    assert.match(await raw(harness.port, `hello world\r\n${HOST}\r\n`), /^HTTP\/1\.1 400 /);
  });

  it('passes any method over HTTP/2, and PROPFIND, REPORT and PURGE over HTTP/1.1', async () => {
    const reached: string[] = [];
    const http2 = createHttp2();
    http2.on('stream', (stream, headers) => {
      reached.push(String(headers[':method']));
      stream.respond();
      stream.end();
    });
    http2.listen(0, '127.0.0.1');
    await once(http2, 'listening');
    const { port } = http2.address() as { port: number };
    harness.serve('h2.test', { key: 'ns/h2', protocol: 'h2c', ports: [port] });
    const client = connectHttp2(harness.origin);
    const stream = client.request({ ':authority': 'h2.test', ':method': 'LIST' });
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
    assert.equal(headers[':status'], 200);
    for (const method of ['PROPFIND', 'REPORT', 'PURGE']) {
      assert.equal((await ask(harness.origin, '/', { method, host: 'h2.test' })).status, 200);
    }
    assert.deepEqual(reached, ['LIST', 'PROPFIND', 'REPORT', 'PURGE']);
    client.destroy();
    http2.close();
  });

  it('answers 505 to another version of HTTP, and 501 to another transfer coding', async () => {
    assert.match(await raw(harness.port, `GET / HTTP/2.0\r\n${HOST}\r\n`), /^HTTP\/1\.1 505 /);
    assert.match(await raw(harness.port, `GET / HTTP/3.7\r\n${HOST}\r\n`), /^HTTP\/1\.1 505 /);
    const bytes = `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip, chunked\r\nConnection: close\r\n\r\n0\r\n\r\n`;
    assert.match(await raw(harness.port, bytes), /^HTTP\/1\.1 501 /);
    assert.equal(seen.length, 0);
  });

  it('passes raw UTF-8 in a path as it came', async () => {
    const path = '/\xe4\xb8\xad?q=\xc3\xa9';
    let head = '';
    const program = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (bytes) => {
        head = bytes.toString('latin1');
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
      });
    });
    program.listen(0, '127.0.0.1');
    await once(program, 'listening');
    harness.serve('utf8.test', { key: 'ns/utf8', ports: [(program.address() as { port: number }).port] });
    const client = connectHttp2(harness.origin);
    const stream = client.request({ ':authority': 'utf8.test', ':path': path });
    await once(stream, 'response');
    assert.ok(head.startsWith(`GET ${path} HTTP/1.1\r\n`), head);
    client.destroy();
    const fields = 'Host: utf8.test\r\n';
    const text = await raw(
      harness.port,
      `GET /1 HTTP/1.1\r\n${fields}Connection: close\r\n\r\n`.replace('/1', path),
    );
    assert.match(text, /^HTTP\/1\.1 200/);
    assert.ok(head.startsWith(`GET ${path} HTTP/1.1\r\n`), head);
    const again = open(`GET /1 HTTP/1.1\r\n${fields}\r\n`);
    await once(again, 'data');
    again.write(`POST ${path} HTTP/1.1\r\n${fields}Content-Length: 2\r\n\r\nh`, 'latin1');
    await once(again, 'data');
    assert.ok(head.startsWith(`POST ${path} HTTP/1.1\r\n`), head);
    again.destroy();
    program.close();
  });

  for (const [first, rest, answered] of [
    ['HEA', 'D', /^HTTP\/1\.1 400 [\s\S]*\r\n\r\n$/],
    ['UN', 'LOCK', /^HTTP\/1\.1 400 /],
  ] as const) {
    it(`takes no other method for the one that came as ${first} and ${rest}, before raw UTF-8`, async () => {
      const socket = open(first);
      let answer = '';
      socket.setEncoding('latin1').on('data', (text: string) => {
        answer += text;
      });
      await once(socket, 'connect');
      // A request on a connection made later is answered: the gateway has read the first packet.
      assert.equal((await ask(harness.origin)).status, 200);
      socket.write(`${rest} /\xe4\xb8\xad HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`, 'latin1');
      await once(socket, 'close');
      assert.match(answer, answered);
      assert.equal(seen.length, 1);
    });
  }

  it('passes a WebSocket handshake in absolute form as any request', async () => {
    const sockets = new WebSocketServer({ server });
    let url: string | undefined;
    sockets.on('connection', (ws, request) => {
      url = request.url;
      ws.close();
    });
    const key = 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n';
    const text = await raw(
      harness.port,
      `GET http://app.test/x?y HTTP/1.1\r\n${HOST}${UPGRADE}${key}\r\n`,
      /\r\n\r\n/,
    );
    assert.match(text, /^HTTP\/1\.1 101 /);
    assert.equal(url, '/x?y');
    sockets.close();
  });

  it('takes nothing behind a request whose end is not sure (RFC 9112, 6.1)', async () => {
    const chunked = '3\r\nabc\r\n0\r\n\r\n';
    const requests = {
      400: `POST /vague HTTP/1.0\r\n${HOST}Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n${chunked}`,
      505: `GET /vague HTTP/2.0\r\n${HOST}\r\n`,
    };
    const next = `GET /next HTTP/1.1\r\n${HOST}\r\n`;
    for (const [status, bytes] of Object.entries(requests)) {
      assert.match(await raw(harness.port, bytes + next), new RegExp(`^HTTP/1\\.1 ${status} `));
      assert.equal(seen.length, 0, bytes);
    }
    const text = await raw(harness.port, next + requests[400] + next);
    assert.deepEqual(text.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 200', 'HTTP/1.1 400']);
    assert.deepEqual(
      seen.map(({ url }) => url),
      ['/next'],
    );
  });

  it('answers HEAD without a body, in however many packets its headers came (RFC 9110, 9.3.2)', async () => {
    const bad: Record<number, string[]> = {
      431: Array.from({ length: 9 }, () => `${'a'.repeat(10_000)}`),
      400: ['y\r\nX Y: z\r\n', '\r\n'],
    };
    for (const [status, rest] of Object.entries(bad)) {
      const socket = open(`HEAD / HTTP/1.1\r\n${HOST}X: `);
      socket.setNoDelay();
      // The gateway answers and closes as soon as it has seen too much: what is written after that fails.
      const closed = new Promise((resolve) => socket.on('error', () => {}).once('close', resolve));
      let text = '';
      socket.setEncoding('latin1').on('data', (part) => {
        text += part;
      });
      for (const part of rest) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        if (text === '') socket.write(part);
      }
      await closed;
      assert.match(text, new RegExp(`^HTTP/1\\.1 ${status} [^]*\\r\\n\\r\\n$`));
      assert.match(await raw(harness.port, `GET / HTTP/1.1\r\n${HOST}X: ${rest.join('')}\r\n`), /\.\n$/);
    }
  });

  it('does not write into an answer when what follows the request is no HTTP', async () => {
    let finish: () => void = () => {};
    handle = (_req, res) => {
      res.writeHead(200, { 'content-length': 10 });
      res.write('12345');
      finish = () => res.end('67890');
    };
    const socket = open(`GET / HTTP/1.1\r\n${HOST}\r\n`);
    socket.setEncoding('latin1');
    let text = '';
    socket.on('data', (part) => {
      text += part;
    });
    await until('half of the answer', () => text.endsWith('12345'));
    socket.write('hello\r\n\r\n');
    await once(socket, 'close');
    finish();
    assert.ok(text.endsWith('12345'), text);
  });

  describe('WebSockets', () => {
    it('get a close frame at the deadline (1001)', async () => {
      const sockets = new WebSocketServer({ server });
      const closed: number[] = [];
      sockets.on('connection', (ws) => {
        ws.on('message', (data) => ws.send(data));
        ws.on('close', (code) => closed.push(code));
      });
      const { port } = server.address() as { port: number };
      harness.serve('ws.test', { key: 'ns/ws', ports: [port], timeoutMs: 300 });
      const ws = new WebSocket(`ws://127.0.0.1:${harness.port}/`, { headers: { host: 'ws.test' } });
      await once(ws, 'open');
      ws.send('x'.repeat(70_000));
      await once(ws, 'message');
      const [code] = (await once(ws, 'close')) as [number];
      assert.equal(code, 1001);
      await until('the instance knows too', () => closed.length === 1);
      assert.deepEqual(closed, [1001]);
      sockets.close();
    });

    it('give their slot back when the instance’s address answers nothing', async () => {
      // A full accept queue drops what comes after; the thread that would empty it is blocked.
      const silent = new Worker(
        `const { createServer } = require('node:net');
         const server = createServer();
         server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
           require('node:worker_threads').parentPort.postMessage(server.address().port);
           setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20_000));
         });`,
        { eval: true },
      );
      const [port] = (await once(silent, 'message')) as [number];
      const filling = Array.from({ length: 4 }, () =>
        connect({ port, host: '127.0.0.1' }).on('error', () => {}),
      );
      await Promise.all(filling.slice(0, 2).map((socket) => once(socket, 'connect')));
      const [held = -1] = harness.serve('silent.test', { key: 'ns/silent', ports: [port], timeoutMs: 400 });
      const text = await raw(harness.port, `GET / HTTP/1.1\r\nHost: silent.test\r\n${UPGRADE}\r\n`);
      assert.match(text, /^HTTP\/1\.1 504 /);
      assert.equal(harness.slots.inFlight(held), 0);
      for (const socket of filling) socket.destroy();
      await silent.terminate();
    });
  });

  it('gives an HTTP/2 client the whole response at the drain, however slowly it reads', async () => {
    const size = 3_000_000;
    handle = (_req, res) => res.end(Buffer.alloc(size));
    const client = connectHttp2(harness.origin);
    client.on('error', () => {});
    const stream = client.request({ ':authority': 'app.test' });
    await once(stream, 'response');
    let got = 0;
    const stopped = harness.planes[0]?.stop(10_000);
    stream.on('data', (chunk) => {
      got += chunk.length;
      stream.pause();
      setTimeout(() => stream.resume(), 2);
    });
    await once(stream, 'close');
    assert.deepEqual([got, stream.rstCode], [size, constants.NGHTTP2_NO_ERROR]);
    await stopped;
  });
});
