import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { type ClientHttp2Session, connect as connectHttp2, type OutgoingHttpHeaders } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { until } from '../../testing/until.ts';
import { collectGarbage } from '../shared/garbage.ts';
import { type Limits, streamsOfConnection } from '../shared/limits.ts';
import { addressCell, type Event } from '../shared/usage.ts';
import { ask, backend, Harness } from '../testing/harness.ts';
import { Connection } from './connection.ts';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1');
/** HEADERS of stream 1 with END_STREAM and without END_HEADERS: GET http /. */
const OPEN_HEADERS = Buffer.from('\0\0\x03\x01\x01\0\0\0\x01\x82\x86\x84', 'latin1');
const GET = 'GET / HTTP/1.1\r\nHost: app.test\r\n\r\n';

/** A client's socket with what came on it. */
interface Client {
  socket: Socket;
  text: string;
  openedAt: number;
  closedAt: number;
}

describe('gateway and its connections', () => {
  let harness: Harness;
  let program: Server;
  let port: number;
  let clients: Client[] = [];

  before(async () => {
    const made = await backend((request, response) => {
      request.resume().on('end', () => response.end('ok'));
    });
    program = made.server;
    port = made.port;
  });

  after(() => {
    program.closeAllConnections();
    program.close();
  });

  afterEach(async () => {
    for (const { socket } of clients) socket.destroy();
    clients = [];
    await until('nothing is left', () => harness.slots.usage.read().connections === 0);
    const { http1Connections, http2Connections, requestBytes, queued } = harness.slots.usage.read();
    assert.deepEqual([http1Connections, http2Connections, requestBytes, queued], [0, 0, 0, 0]);
    await harness.close();
  });

  async function gateway(limits: Partial<Limits>): Promise<void> {
    harness = await new Harness(1, limits).listen();
    harness.serve('app.test', { ports: [port] });
    harness.serve('zero.test', { key: 'ns/zero' });
  }

  async function open(first: string | Buffer = '', localAddress = '127.0.0.1'): Promise<Client> {
    const socket = connect({ port: harness.port, host: '127.0.0.1', localAddress, allowHalfOpen: true });
    const client: Client = { socket, text: '', openedAt: performance.now(), closedAt: 0 };
    clients.push(client);
    socket.on('error', () => {});
    socket.on('data', (part) => {
      client.text += part.toString('latin1');
    });
    // A client that never closes its side by itself is still rid of.
    socket.on('end', () => {
      client.closedAt ||= performance.now();
    });
    socket.on('close', () => {
      client.closedAt ||= performance.now();
    });
    await once(socket, 'connect');
    if (first.length > 0) socket.write(first);
    return client;
  }

  const counted = (event: Event) => harness.slots.usage.read().count(event);
  const closed = (client: Client) => until('it is closed', () => client.closedAt > 0);

  /** It is closed for this reason, not earlier. What would come later has another reason or never comes. */
  async function closesAfter(ms: number, client: Client, reason?: Event): Promise<void> {
    await closed(client);
    const after = client.closedAt - client.openedAt;
    assert.ok(after >= ms, `closed after ${after} ms`);
    if (reason) assert.equal(counted(reason), 1);
  }

  /** One byte each 20 ms: more than a test waits for. */
  function drip(client: Client, text: string): void {
    let sent = 0;
    const timer = setInterval(() => {
      if (client.closedAt > 0 || sent === text.length) clearInterval(timer);
      else client.socket.write(text[sent++] as string);
    }, 20);
  }

  describe('closes one whose first header section is not complete in time', () => {
    beforeEach(() => gateway({ headerSeconds: 0.3, firstRequestSeconds: 0.8 }));

    it('because nothing came', async () => closesAfter(280, await open(), 'closedForHeaderTime'));

    it('because it drips, with 408', async () => {
      const client = await open();
      drip(client, `GET / HTTP/1.1\r\nHost: app.test\r\nX: ${'x'.repeat(3000)}`);
      await closesAfter(280, client, 'closedForHeaderTime');
      assert.match(client.text, /^HTTP\/1\.1 408 /);
    });

    it('because the preface of HTTP/2 is not complete', async () =>
      closesAfter(280, await open(PREFACE.subarray(0, 20)), 'closedForHeaderTime'));

    it('because HEADERS has no END_HEADERS', async () =>
      closesAfter(280, await open(Buffer.concat([PREFACE, OPEN_HEADERS])), 'closedForHeaderTime'));

    it('and says GOAWAY later to an HTTP/2 client that has asked nothing', async () => {
      const client = await open(PREFACE);
      await closesAfter(780, client, 'closedForIdleness');
      assert.ok(client.text.includes('\0\0\x08\x07\0\0\0\0\0'), 'a GOAWAY frame');
    });

    it('but keeps one that has asked', async () => {
      const client = await open(GET);
      const session = connectHttp2(harness.origin);
      const stream = session.request({ ':authority': 'app.test' });
      await once(stream.resume(), 'end');
      const waits = await open();
      await closed(waits);
      await closed(await open(PREFACE));
      assert.equal(client.closedAt, 0);
      assert.equal(session.destroyed, false);
      session.destroy();
    });
  });

  it('closes one whose later header section is not complete in time', async () => {
    await gateway({ headerSeconds: 0.3 });
    const client = await open(GET);
    await until('it is answered', () => client.text.endsWith('ok'));
    client.openedAt = performance.now();
    drip(client, `GET / HTTP/1.1\r\nHost: app.test\r\nX: ${'x'.repeat(3000)}`);
    await closesAfter(280, client);
    assert.match(client.text, /HTTP\/1\.1 408 /);
  });

  it('closes an HTTP/2 connection whose later header section is not complete in time', async () => {
    await gateway({ headerSeconds: 0.3 });
    const begun = Buffer.from(OPEN_HEADERS);
    begun[8] = 3;
    const client = await open(Buffer.concat([PREFACE, headers(1), begun]));
    await closesAfter(280, client, 'closedForHeaderTime');
  });

  /** HEADERS with END_STREAM and END_HEADERS: GET http / app.test. */
  function headers(stream: number): Buffer {
    const frame = Buffer.from('\0\0\x0d\x01\x05\0\0\0\x01\x82\x86\x84\x41\x08app.test', 'latin1');
    frame[8] = stream;
    return frame;
  }

  it('reads the rest of a body only for a short time after its own rejection', async () => {
    await gateway({ lingerSeconds: 0.3 });
    const client = await open('POST / HTTP/1.1\r\nHost: nobody.test\r\nContent-Length: 100000\r\n\r\n');
    drip(client, 'x'.repeat(3000));
    await until('it is rejected', () => client.text.includes('404'));
    await closesAfter(250, client, 'closedForLingering');
  });

  it('resets a stream of HTTP/2 that it has rejected, without an error', async () => {
    await gateway({});
    const session = connectHttp2(harness.origin);
    const stream = session.request({ ':authority': 'nobody.test', ':method': 'POST' });
    let text = '';
    stream.on('data', (part) => {
      text += part;
    });
    stream.write('begun');
    const [answer] = (await once(stream, 'response')) as [OutgoingHttpHeaders];
    await once(stream, 'close');
    assert.equal(answer[':status'], 404);
    assert.equal(text, 'No service answers at this host name.\n');
    assert.equal(stream.rstCode, 0);
    session.destroy();
  });

  it('closes the one that has been idle longest when there are too many', async () => {
    await gateway({ connections: 3 });
    const [first, second, third] = [await open(GET), await open(GET), await open(GET)];
    for (const client of [first, second, third]) await until('answered', () => client.text.endsWith('ok'));
    first.socket.write(GET);
    await until('answered again', () => first.text.split('ok').length === 3);
    const fourth = await open(GET);
    await closed(second);
    await until('answered', () => fourth.text.endsWith('ok'));
    assert.deepEqual([first.closedAt, third.closedAt, counted('closedForCap')], [0, 0, 1]);
  });

  it('rejects a new one when none of too many is idle', async () => {
    await gateway({ connections: 2 });
    const waiting = await open('GET / HTTP/1.1\r\nHost: zero.test\r\n\r\n');
    const sending = await open('GET / HTTP/1.1\r\nHost: app.test\r\n');
    await until('one waits', () => harness.slots.waiting(1) === 1);
    await until('the other has begun', () => harness.slots.usage.read().http1Connections === 2);
    const third = await open(GET);
    await closed(third);
    assert.deepEqual([waiting.closedAt, sending.closedAt, third.text], [0, 0, '']);
    sending.socket.write('\r\n');
    await until('it is answered', () => sending.text.endsWith('ok'));
    assert.equal(counted('refusedConnections'), 1);
  });

  it('closes the HTTP/2 connection that has been idle longest when there are too many of those', async () => {
    await gateway({ http2Connections: 2 });
    const http1 = await open(GET);
    await until('answered', () => http1.text.endsWith('ok'));
    const first = await open(PREFACE);
    await until('it has its settings', () => first.text !== '');
    const second = await open(PREFACE);
    await until('it has its settings', () => second.text !== '');
    const third = await open(PREFACE);
    await closed(first);
    await until('it has its settings', () => third.text !== '');
    assert.deepEqual([http1.closedAt, second.closedAt, counted('closedForCap')], [0, 0, 1]);
    assert.equal(harness.slots.usage.read().http2Connections, 2);
  });

  it('rejects a new HTTP/2 connection when none of too many is idle, and accepts one of HTTP/1.1', async () => {
    await gateway({ http2Connections: 1 });
    const sending = await open(Buffer.concat([PREFACE, OPEN_HEADERS]));
    await until('it has its settings', () => sending.text !== '');
    await closed(await open(PREFACE));
    const http1 = await open(GET);
    await until('answered', () => http1.text.endsWith('ok'));
    assert.deepEqual([sending.closedAt, counted('refusedConnections')], [0, 1]);
  });

  it('closes the idle ones of an address that has too many, and not those of others', async () => {
    await gateway({ connectionsPerAddress: 2 });
    const other = await open('', '127.0.0.2');
    const [first, second] = [await open(), await open()];
    const third = await open(GET);
    await closed(first);
    await until('answered', () => third.text.endsWith('ok'));
    assert.deepEqual([other.closedAt, second.closedAt], [0, 0]);
  });

  it('takes the network of an IPv6 client for its address', () => {
    assert.equal(addressCell('2001:db8::1'), addressCell('2001:db8:0:0:1:2:3:4'));
    assert.notEqual(addressCell('2001:db8::1'), addressCell('2001:db8:0:1::1'));
    assert.notEqual(addressCell('10.0.0.1'), addressCell('10.0.0.2'));
  });

  it('closes those with the most bytes of header sections that are not complete', async () => {
    await gateway({ headerMebibytes: 0.1 });
    const small = await open(`GET / HTTP/1.1\r\nHost: app.test\r\nX: ${'x'.repeat(2000)}`);
    const large = await open(`GET / HTTP/1.1\r\nHost: app.test\r\nX: ${'x'.repeat(60_000)}`);
    const larger = await open(`GET / HTTP/1.1\r\nHost: app.test\r\nX: ${'x'.repeat(62_000)}`);
    await closed(larger);
    assert.deepEqual([small.closedAt, large.closedAt, counted('closedForHeaderBytes')], [0, 0, 1]);
  });

  it('serves pipelined requests one at a time and in order', async () => {
    await gateway({});
    harness.serve('slow.test', { key: 'ns/slow', ports: [port], limit: 10 });
    let most = 0;
    const inFlight = new Set<object>();
    const watch = (_: object, response: { on(event: 'close', f: () => void): void }): void => {
      inFlight.add(response);
      most = Math.max(most, inFlight.size);
      response.on('close', () => inFlight.delete(response));
    };
    program.on('request', watch);
    const client = await open('GET / HTTP/1.1\r\nHost: slow.test\r\n\r\n'.repeat(30));
    await until('all are answered', () => client.text.split('200 OK').length === 31);
    program.off('request', watch);
    assert.equal(most, 1);
  });

  it('serves no request behind a response that ends its connection, as it does when the gateway is to end', async () => {
    await gateway({});
    harness.serve('last.test', { key: 'ns/last', ports: [port] });
    const served: string[] = [];
    const watch = ({ url = '' }: { url?: string }): void => {
      served.push(url);
      harness.planes[0]?.closing();
    };
    program.on('request', watch);
    const client = await open(
      ['/1', '/2', '/3'].map((path) => `GET ${path} HTTP/1.1\r\nHost: last.test\r\n\r\n`).join(''),
    );
    await closed(client);
    program.off('request', watch);
    await until('no request is open', () => harness.planes[0]?.open === 0);
    assert.deepEqual(served, ['/1']);
    assert.equal(client.text.split('200 OK').length, 2);
  });

  it('has one active queue entry for any number of pipelined requests, and closes what sends too many', async () => {
    await gateway({});
    const client = await open('GET / HTTP/1.1\r\nHost: zero.test\r\n\r\n'.repeat(30));
    await until('one waits', () => harness.slots.waiting(1) === 1);
    assert.equal(harness.slots.waiting(1), 1);
    assert.ok(harness.slots.usage.read().requestBytes > 29 * 4000, 'each is counted');
    client.socket.write('GET / HTTP/1.1\r\nHost: zero.test\r\n\r\n'.repeat(12_000));
    await closed(client);
    await until('no request waits', () => harness.slots.waiting(1) === 0);
    assert.equal(counted('closedForPipelining'), 1);
  });

  it('takes at most a hundred streams of a connection', async () => {
    await gateway({});
    const session: ClientHttp2Session = connectHttp2(harness.origin);
    const [settings] = (await once(session, 'remoteSettings')) as [{ maxConcurrentStreams: number }];
    assert.equal(settings.maxConcurrentStreams, 100);
    session.destroy();
  });

  it('lets an address take only its part of the queue', async () => {
    await gateway({ queuePerAddress: 2 });
    const call = 'GET / HTTP/1.1\r\nHost: zero.test\r\n\r\n';
    const waiting = [await open(call), await open(call)];
    await until('two wait', () => harness.slots.waiting(1) === 2);
    const third = await open(call);
    await until('it is rejected', () => third.text.includes('from this address'));
    assert.match(third.text, /^HTTP\/1\.1 429 [\s\S]*retry-after: 1/);
    await open(call, '127.0.0.2');
    await until('another may wait', () => harness.slots.waiting(1) === 3);
    assert.ok(waiting.every(({ closedAt }) => closedAt === 0));
  });

  it('lets all revisions together have only so many requests waiting', async () => {
    await gateway({ queue: 1 });
    harness.serve('empty.test', { key: 'ns/empty' });
    await open('GET / HTTP/1.1\r\nHost: zero.test\r\n\r\n');
    await until('one waits', () => harness.slots.waiting(1) === 1);
    const { status, headers, text } = await ask(harness.origin, '/', { host: 'empty.test' });
    assert.deepEqual([status, headers['retry-after']], [503, '1']);
    assert.match(text, /^Too many requests are waiting/);
    assert.equal(counted('queue_total'), 1);
  });

  it('lets requests wait only while there is memory for their bodies', async () => {
    await gateway({ requestMebibytes: 1 });
    const post = 'POST / HTTP/1.1\r\nHost: zero.test\r\nContent-Length: 1000000\r\n\r\n';
    for (let i = 0; i < 3; i++) await open(post);
    await until('three wait', () => harness.slots.waiting(1) === 3);
    const fourth = await open(post);
    await until('it is rejected', () => fourth.text.includes('no memory left'));
    assert.match(fourth.text, /^HTTP\/1\.1 503 [\s\S]*retry-after: 1/);
    assert.equal((await ask(harness.origin, '/', { method: 'POST', body: 'x' })).status, 200);
    await open('GET / HTTP/1.1\r\nHost: zero.test\r\n\r\n');
    await until('a small one may wait', () => harness.slots.waiting(1) === 4);
    assert.equal(counted('memory'), 1);
  });

  it('notices at once that an HTTP/2 client has left whose request waits', async () => {
    await gateway({});
    const post = Buffer.from('\0\0\x0e\x01\x04\0\0\0\x01\x83\x86\x84\x41\x09zero.test', 'latin1');
    const client = await open(Buffer.concat([PREFACE, post]));
    await until('it waits', () => harness.slots.waiting(1) === 1);
    client.socket.end();
    await until('no request waits', () => harness.slots.waiting(1) === 0, { timeoutMs: 5_000 });
  });

  it('keeps nothing of HTTP/2 clients that have left', async () => {
    await gateway({});
    const connections: WeakRef<Connection>[] = [];
    const { setProtocol } = Connection.prototype;
    Connection.prototype.setProtocol = function (this: Connection, ...given) {
      connections.push(new WeakRef(this));
      return setProtocol.apply(this, given);
    };
    for (let i = 0; i < 50; i++) {
      const { socket } = await open(PREFACE);
      await once(socket, 'data');
      socket.destroy();
    }
    Connection.prototype.setProtocol = setProtocol;
    assert.equal(connections.length, 50);
    await until('they are closed', () => harness.slots.usage.read().http2Connections === 0);
    const areCollected = (): boolean => {
      collectGarbage();
      return connections.every((each) => each.deref() === undefined);
    };
    await until('they are collected', areCollected, { everyMs: 100 });
  });

  it('lets a client send more ahead while its upload flows, and less when one of its requests has to wait', async () => {
    await gateway({});
    const session = connectHttp2(harness.origin);
    const windows: number[] = [];
    session.on('remoteSettings', ({ initialWindowSize }) => windows.push(initialWindowSize ?? 0));
    const upload = session.request({ ':authority': 'app.test', ':method': 'POST' });
    const pump = setInterval(() => upload.write(Buffer.alloc(400_000)), 20);
    await until('it is raised', () => windows.length === 2);
    assert.ok(harness.slots.usage.read().requestBytes > 1_000_000, 'it is counted');
    const waiting = session.request({ ':authority': 'zero.test', ':method': 'POST' });
    waiting.on('error', () => {});
    await until('it is lowered', () => windows.length === 3);
    clearInterval(pump);
    assert.deepEqual(windows, [65_535, 512 * 1024, 65_535]);
    session.destroy();
  });

  it('cuts the answer that has stalled longest when slow clients hold too much, and no other', async () => {
    await gateway({ answerMebibytes: 0.5 });
    const large = await backend((_request, response) => response.end(Buffer.alloc(20_000_000)));
    harness.serve('large.test', { key: 'ns/large', ports: [large.port] });
    const slow: Client[] = [];
    for (let i = 0; i < 8; i++) {
      const client = await open();
      client.socket.pause();
      client.socket.write('GET / HTTP/1.1\r\nHost: large.test\r\n\r\n');
      slow.push(client);
    }
    await until('some are cut', () => counted('cutForStalling') > 0);
    assert.ok(harness.slots.usage.read().answerBytes <= 256 * 1024);
    assert.equal((await ask(harness.origin)).status, 200);
    assert.ok(counted('cutForStalling') < slow.length, 'not all are cut');
    for (const { socket } of slow) socket.destroy();
    await until('nothing is held', () => harness.slots.usage.read().answerBytes === 0);
    large.server.closeAllConnections();
    large.server.close();
  });
});

describe('streamsOfConnection', () => {
  const tables: Record<string, { connections: number; want: number }> = {
    'a hundred on the first': { connections: 1, want: 100 },
    'a hundred on 150': { connections: 150, want: 100 },
    'a share of 15,000 on those after them': { connections: 600, want: 25 },
    'ten on any': { connections: 10_000, want: 10 },
  };
  for (const [name, { connections, want }] of Object.entries(tables)) {
    it(`gives ${name}`, () => assert.equal(streamsOfConnection(connections), want));
  }

  it('gives 2,000 connections 55,000 at most', () => {
    let sum = 0;
    for (let i = 1; i <= 2000; i++) sum += streamsOfConnection(i);
    assert.ok(sum <= 55_000, `${sum}`);
  });
});
