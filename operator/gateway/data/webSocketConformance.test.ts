import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import fc from 'fast-check';
import { type ClientOptions, WebSocket, WebSocketServer } from 'ws';
import { until } from '../../testing/until.ts';
import { Harness, raw } from '../testing/harness.ts';
import { client, type End, frame, RawInstance, SWITCHING, UPGRADE } from '../testing/tunnel.ts';
import { FrameBoundary } from './webSocketFrames.ts';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
/** RFC 6455, 1.3. */
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';
const SIZES = [0, 1, 125, 126, 127, 65_535, 65_536, 1024 * 1024];

describe('gateway and the WebSocket protocol (RFC 6455)', () => {
  let harness: Harness;
  let instance: RawInstance;
  let program: Server;
  let sockets: WebSocketServer;
  let seen: IncomingHttpHeaders | undefined;
  let closedWith: [number, string] | undefined;
  let slots: number[];

  before(async () => {
    program = createServer((request, response) => {
      seen = request.headers;
      response.writeHead(426, { 'sec-websocket-version': '13' }).end('use WebSocket');
    });
    sockets = new WebSocketServer({
      server: program,
      perMessageDeflate: { threshold: 0 },
      handleProtocols: (offered) => (offered.has('chat.v2') ? 'chat.v2' : false),
    });
    sockets.on('connection', (ws, request) => {
      seen = request.headers;
      ws.on('message', (data, binary) => {
        if (String(data) === 'close') ws.close(4001, 'as you said');
        else ws.send(data, { binary });
      });
      ws.on('close', (code, reason) => {
        closedWith = [code, String(reason)];
      });
    });
    program.listen(0, '127.0.0.1');
    await once(program, 'listening');
    instance = await new RawInstance().listen();
    harness = await new Harness().listen();
    const { port } = program.address() as { port: number };
    slots = [
      ...harness.serve('ws.test', { key: 'ns/ws', ports: [port] }),
      ...harness.serve('app.test', { ports: [instance.port] }),
    ];
  });

  after(async () => {
    await harness.close();
    sockets.close();
    program.closeAllConnections();
    program.close();
    instance.close();
  });

  afterEach(async () => {
    await until('its slot is free', () => slots.every((slot) => harness.slots.inFlight(slot) === 0));
    await until('no request is left', () => harness.planes[0]?.open === 0);
    assert.deepEqual(harness.sent('error'), [], 'nothing was unforeseen');
  });

  const open = async (protocols: string[] = [], options: ClientOptions = {}): Promise<WebSocket> => {
    const headers = { host: 'ws.test' };
    const ws = new WebSocket(`ws://127.0.0.1:${harness.port}/`, protocols, { headers, ...options });
    await once(ws, 'open');
    return ws;
  };

  const close = async (ws: WebSocket, code?: number, reason?: string): Promise<[number, string]> => {
    const closed = once(ws, 'close');
    ws.close(code, reason);
    const [found, why] = (await closed) as [number, Buffer];
    return [found, String(why)];
  };

  /** Both ends of an upgraded connection. */
  const tunnel = async (): Promise<{ from: End; to: End }> => {
    const from = client(harness.port, `GET / HTTP/1.1\r\n${UPGRADE}\r\n`);
    const to = await instance.accept();
    await to.head();
    to.socket.write(SWITCHING);
    await from.head();
    return { from, to };
  };

  /** Ends a connection on both sides. */
  const end = async ({ from, to }: { from: End; to: End }): Promise<void> => {
    from.socket.end();
    to.socket.end();
    await until('both have ended', () => from.closed && to.closed);
  };

  describe('handshakes', () => {
    const SOCKET = `Sec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Version: 13\r\n`;
    const REQUESTS: Record<string, { reason: string; fields: string; want?: Record<string, string> }> = {
      'lower case': { reason: 'names of fields', fields: 'connection: upgrade\r\nupgrade: websocket\r\n' },
      'upper case': { reason: 'their values', fields: 'CONNECTION: UPGRADE\r\nUPGRADE: WEBSOCKET\r\n' },
      'several tokens': {
        reason: 'what Firefox sends',
        fields: 'Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n',
      },
      'two Connection fields': {
        reason: 'they are one list (RFC 9110, 5.3)',
        fields: 'Connection: keep-alive\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n',
      },
      'a field that Connection names': {
        reason: 'it is of this hop only',
        fields: 'Connection: Upgrade, X-Hop\r\nX-Hop: 1\r\nUpgrade: websocket\r\n',
        want: { 'x-hop': 'undefined' },
      },
      'one subprotocol': {
        reason: 'it is chosen by the instance',
        fields: 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: chat.v2\r\n',
        want: { 'sec-websocket-protocol': 'chat.v2' },
      },
      'an origin and a cookie': {
        reason: 'they are the instance’s to check',
        fields: 'Connection: Upgrade\r\nUpgrade: websocket\r\nOrigin: https://a.test\r\nCookie: a=b\r\n',
        want: { origin: 'https://a.test', cookie: 'a=b' },
      },
      'an empty body': {
        reason: 'a length of 0 is no body',
        fields: 'Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n',
      },
    };
    for (const [name, { reason, fields, want = {} }] of Object.entries(REQUESTS)) {
      it(`${name}: ${reason}`, async () => {
        const request = `GET /chat HTTP/1.1\r\nHost: ws.test\r\n${fields}${SOCKET}\r\n`;
        const text = await raw(harness.port, request, /\r\n\r\n/);
        assert.match(text, /^HTTP\/1\.1 101 Switching Protocols\r\n/);
        assert.match(text, /\r\nupgrade: websocket\r\n/i);
        assert.match(text, /\r\nconnection: upgrade\r\n/i);
        assert.ok(text.includes(`Sec-WebSocket-Accept: ${ACCEPT}\r\n`), text);
        for (const [field, value] of Object.entries(want)) assert.equal(String(seen?.[field]), value);
      });
    }

    const REFUSED: Record<string, { reason: string; request: string; status: number }> = {
      'HTTP/1.0': {
        reason: 'a server ignores its Upgrade (RFC 9110, 7.8), so the program answers',
        request: `GET / HTTP/1.0\r\nHost: ws.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${SOCKET}\r\n`,
        status: 426,
      },
      'no Connection: Upgrade': {
        reason: 'it does not ask this hop',
        request: `GET / HTTP/1.1\r\nHost: ws.test\r\nConnection: close\r\nUpgrade: websocket\r\n${SOCKET}\r\n`,
        status: 426,
      },
      'another version': {
        reason: 'the program says which it has (RFC 6455, 4.4)',
        request: `GET / HTTP/1.1\r\nHost: ws.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Version: 99\r\n\r\n`,
        status: 400,
      },
      'no key': {
        reason: 'the program checks it',
        request:
          'GET / HTTP/1.1\r\nHost: ws.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n',
        status: 400,
      },
      'a body': {
        reason: 'it would be read as frames, so the request is served without its Upgrade',
        request: `POST / HTTP/1.1\r\nHost: ws.test\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\nContent-Length: 2\r\n${SOCKET}\r\nhi`,
        status: 426,
      },
    };
    for (const [name, { reason, request, status }] of Object.entries(REFUSED)) {
      it(`${name} is refused: ${reason}`, async () => {
        const text = await raw(harness.port, request);
        assert.match(text, new RegExp(`^HTTP/1\\.1 ${status} `));
        if (status === 426) assert.equal(seen?.upgrade, undefined);
      });
    }

    it('the subprotocol is negotiated end to end', async () => {
      const ws = await open(['chat.v1', 'chat.v2']);
      assert.deepEqual([ws.protocol, seen?.['sec-websocket-protocol']], ['chat.v2', 'chat.v1,chat.v2']);
      await close(ws);
    });

    it('the extension permessage-deflate is negotiated end to end (RFC 7692)', async () => {
      const ws = await open([], { perMessageDeflate: { threshold: 0 } });
      assert.equal(ws.extensions, 'permessage-deflate');
      const text = 'a'.repeat(100_000);
      ws.send(text);
      assert.equal(String((await once(ws, 'message'))[0]), text);
      await close(ws);
    });

    const ANSWERS: Record<string, { reason: string; answer: string; want: RegExp }> = {
      '403 with a length': {
        reason: 'the program’s own answer',
        answer: 'HTTP/1.1 403 Not You\r\nContent-Length: 4\r\nX-Why: no\r\n\r\nnope',
        want: /^HTTP\/1\.1 403 Not You\r\n(?:.*\r\n)*X-Why: no\r\n(?:.*\r\n)*\r\nnope$/,
      },
      '503 in chunks': {
        reason: 'the end of the connection ends it',
        answer: 'HTTP/1.1 503 Later\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n',
        want: /^HTTP\/1\.1 503 Later\r\n(?:(?!transfer-encoding).*\r\n)*connection: close\r\n\r\nno$/i,
      },
      '400 of unknown length': {
        reason: 'it ends with the instance’s connection',
        answer: 'HTTP/1.1 400 Bad\r\n\r\nwhy',
        want: /^HTTP\/1\.1 400 Bad\r\n(?:.*\r\n)*\r\nwhy$/,
      },
      '426 with the protocols': {
        reason: 'Upgrade says which the program has (RFC 9110, 15.5.22)',
        answer:
          'HTTP/1.1 426 Upgrade Required\r\nUpgrade: other\r\nConnection: Upgrade\r\nContent-Length: 0\r\n\r\n',
        want: /^HTTP\/1\.1 426 Upgrade Required\r\n(?:.*\r\n)*upgrade: other\r\n/i,
      },
      '100 before 403': {
        reason: 'interim responses come before the final one',
        answer: 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n',
        want: /^HTTP\/1\.1 403 No\r\n/,
      },
      '101 without Upgrade': {
        reason: 'a switch to nothing (RFC 9110, 15.2.2)',
        answer: 'HTTP/1.1 101 Switching Protocols\r\n\r\n',
        want: /^HTTP\/1\.1 502 Bad Gateway\r\n/,
      },
      'no HTTP': {
        reason: 'not valid, as for any request',
        answer: 'SSH-2.0-x\r\n\r\n',
        want: /^HTTP\/1\.1 502 Bad Gateway\r\n/,
      },
      'an empty answer': {
        reason: 'the instance has ended',
        answer: '',
        want: /^HTTP\/1\.1 500 Internal Server Error\r\n/,
      },
    };
    for (const [name, { reason, answer, want }] of Object.entries(ANSWERS)) {
      it(`${name}: ${reason}`, async () => {
        const from = client(harness.port, `GET / HTTP/1.1\r\n${UPGRADE}\r\n`);
        const to = await instance.accept();
        await to.head();
        to.socket.end(answer);
        await until('the answer', () => from.ended || from.error);
        from.socket.destroy();
        assert.match(from.text, want);
      });
    }

    it('an answer in chunks that breaks off does not look whole', async () => {
      const from = client(harness.port, `GET / HTTP/1.1\r\n${UPGRADE}\r\n`);
      const to = await instance.accept();
      await to.head();
      to.socket.write('HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n');
      await until('its first part', () => from.text.endsWith('\r\n\r\nno'));
      to.socket.destroy();
      await until('it is over', () => from.ended || from.error);
      assert.equal(from.error, 'ECONNRESET');
    });

    it('a client that does not close its side after a refusal holds no slot', async () => {
      const from = client(harness.port, `GET / HTTP/1.1\r\n${UPGRADE}\r\n`);
      const to = await instance.accept();
      await to.head();
      to.socket.end('HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n');
      await until('its end', () => from.ended);
      await until('its slot is free', () => slots.every((slot) => harness.slots.inFlight(slot) === 0));
      from.socket.destroy();
    });

    it('bytes in the same segment as the request and as the answer come first and in order', async () => {
      const from = client(harness.port, `GET / HTTP/1.1\r\n${UPGRADE}\r\nearly`);
      const to = await instance.accept();
      await to.head();
      from.socket.write(' and more');
      to.socket.write(`${SWITCHING}first`);
      await from.head();
      to.socket.write(' second');
      await until('all of it', () => from.text === 'first second' && to.text === 'early and more');
      await end({ from, to });
    });

    it('another protocol than WebSocket, which the instance calls otherwise', async () => {
      const from = client(
        harness.port,
        `GET / HTTP/1.1\r\n${UPGRADE.replace('websocket', 'foo/2, bar')}\r\n`,
      );
      const to = await instance.accept();
      assert.match(await to.head(), /\r\nupgrade: foo\/2, bar\r\n/i);
      to.socket.write(SWITCHING.replace('websocket', 'bar'));
      assert.match(await from.head(), /\r\nupgrade: bar\r\n/i);
      await end({ from, to });
    });
  });

  describe('messages', () => {
    for (const size of SIZES) {
      it(`of ${size} bytes, text and binary`, async () => {
        const ws = await open([], { perMessageDeflate: false });
        for (const data of ['é'.repeat(size / 2), Buffer.alloc(size, 0xfe)]) {
          ws.send(data);
          const [found, binary] = (await once(ws, 'message')) as [Buffer, boolean];
          assert.equal(binary, typeof data !== 'string');
          assert.ok(found.equals(Buffer.from(data)));
        }
        await close(ws);
      });
    }

    it('in fragments with pings between them', async () => {
      const ws = await open([], { perMessageDeflate: false });
      const pongs: string[] = [];
      ws.on('pong', (data) => pongs.push(String(data)));
      ws.send('one', { fin: false });
      ws.ping('a');
      ws.send('', { fin: false });
      ws.ping('b');
      ws.send(' two', { fin: true });
      assert.equal(String((await once(ws, 'message'))[0]), 'one two');
      assert.deepEqual(pongs, ['a', 'b']);
      await close(ws);
    });

    it('pings and pongs that were not asked for, from both sides', async () => {
      const ws = await open();
      const [server] = sockets.clients;
      const heard: string[] = [];
      for (const [side, socket] of Object.entries({ client: ws, server: server as WebSocket })) {
        socket.on('pong', (data) => heard.push(`${side}: ${data}`));
        socket.pong('unasked');
        socket.ping(`from ${side}`);
      }
      await until('all', () => heard.length === 4);
      const want = ['client: from client', 'client: unasked', 'server: from server', 'server: unasked'];
      assert.deepEqual(heard.sort(), want);
      await close(ws);
    });

    const BYTES = Buffer.concat([
      ...SIZES.slice(0, 5).map((size) => frame(2, Buffer.alloc(size, 7), { masked: true })),
      // Reserved bits and opcodes are for extensions (RFC 6455, 5.2).
      Buffer.from([0xf3, 1, 2]),
      // Not valid: it is the other end that has to judge it.
      Buffer.from([0x00, 0xff, ...Array(20).fill(0xff)]),
    ]);
    for (const side of ['from', 'to'] as const) {
      it(`${side === 'from' ? 'of the client' : 'of the instance'} arrive as they are when each byte comes alone`, async () => {
        const ends = await tunnel();
        const other = side === 'from' ? ends.to : ends.from;
        for (const byte of BYTES) {
          const written = new Promise((resolve) => ends[side].socket.write(Buffer.of(byte), resolve));
          await written;
        }
        await until('all of it', () => other.size >= BYTES.length);
        assert.ok(other.bytes.equals(BYTES));
        await end(ends);
      });
    }

    it('end where a frame ends, however they are split', () => {
      const frames = fc.array(
        fc.record({
          size: fc.oneof(fc.constantFrom(...SIZES.slice(0, 7)), fc.nat(300)),
          masked: fc.boolean(),
          fin: fc.boolean(),
          opcode: fc.nat(15),
        }),
        { minLength: 1, maxLength: 5 },
      );
      fc.assert(
        fc.property(frames, fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1 }), (all, parts) => {
          const boundary = new FrameBoundary();
          const bytes: Buffer[] = all.map(({ size, opcode, ...how }) =>
            frame(opcode, Buffer.alloc(size), how),
          );
          const ends = new Set<number>([0]);
          let length = 0;
          for (const one of bytes) {
            length += one.length;
            ends.add(length);
          }
          const whole = Buffer.concat(bytes);
          for (let at = 0, i = 0; at < length; i++) {
            const part = whole.subarray(at, at + (parts[i % parts.length] as number));
            boundary.feed(part);
            at += part.length;
            assert.equal(boundary.between, ends.has(at), `after ${at} of ${length}`);
          }
        }),
      );
    });
  });

  describe('close', () => {
    const CODES: Record<string, [code: number | undefined, reason: string, want: number]> = {
      normal: [1000, '', 1000],
      'with a reason': [1001, 'é'.repeat(61), 1001],
      'of the application': [4999, 'mine', 4999],
      'without a code': [undefined, '', 1005],
    };
    for (const [name, [code, reason, want]] of Object.entries(CODES)) {
      it(`by the client, ${name}`, async () => {
        const ws = await open();
        closedWith = undefined;
        assert.deepEqual(await close(ws, code, reason), [want, reason]);
        assert.deepEqual(await until('the instance knows', () => closedWith), [want, reason]);
      });
    }

    it('by the instance', async () => {
      const ws = await open();
      ws.send('close');
      const [code, reason] = (await once(ws, 'close')) as [number, Buffer];
      assert.deepEqual([code, String(reason)], [4001, 'as you said']);
    });

    it('without a close frame, from either side (1006)', async () => {
      const ws = await open();
      closedWith = undefined;
      ws.terminate();
      assert.deepEqual((await until('the instance knows', () => closedWith))[0], 1006);
      const other = await open();
      const [server] = sockets.clients;
      server?.terminate();
      assert.equal((await once(other, 'close'))[0], 1006);
    });
  });
});
