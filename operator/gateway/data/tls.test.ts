import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { connect, createServer, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { WebSocket, WebSocketServer } from 'ws';
import { serverCertificate, testAuthority } from '../../testing/serverCertificate.ts';
import { until } from '../../testing/until.ts';
import type { Event } from '../shared/usage.ts';
import { ask, backend, Harness, raw } from '../testing/harness.ts';

const GET = 'GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n';
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const REDIRECT_PORT = 8443;

/** CPU time of this thread: what other processes have of the processor is not in it. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

describe('gateway over TLS', () => {
  let harness: Harness;
  let program: Server;
  let sockets: WebSocketServer;
  let port: number;
  let ca: string;
  let seen: IncomingMessage | undefined;
  const open: Socket[] = [];

  const certify = async (secret: string, ...names: string[]) =>
    harness.certificate(secret, { ...(await serverCertificate(names)), names });
  const gateway = async (...options: ConstructorParameters<typeof Harness>): Promise<void> => {
    harness = await new Harness(...options).listen();
    harness.serve('app.test', { ports: [port] });
    await certify('sys/app', 'app.test');
  };
  const counted = (event: Event) => harness.slots.usage.read().count(event);

  before(async () => {
    ca = await testAuthority();
    const made = await backend((request, response) => {
      seen = request;
      if (request.url === '/endless') {
        // Of unknown length, to a client of HTTP/1.0: only the end of the connection ends it.
        response.write('part');
        setImmediate(() => response.destroy());
        return;
      }
      request.resume().on('end', () => response.end('ok'));
    });
    program = made.server;
    port = made.port;
    sockets = new WebSocketServer({ server: program });
    sockets.on('connection', (ws) => ws.on('message', (data, binary) => ws.send(data, { binary })));
  });

  after(() => {
    sockets.close();
    program.closeAllConnections();
    program.close();
  });

  beforeEach(() => gateway(1, {}, false, REDIRECT_PORT));

  afterEach(async () => {
    for (const socket of open.splice(0)) socket.destroy();
    await until('nothing is left', () => harness.slots.usage.read().connections === 0);
    assert.equal(harness.slots.usage.read().tlsConnections, 0);
    await harness.close();
  });

  /** A client after its handshake. @throws what ended the handshake. */
  async function client(servername: string, options: ConnectionOptions = {}): Promise<TLSSocket> {
    const socket = connectTls({ host: '127.0.0.1', port: harness.tlsPort, ca, servername, ...options });
    open.push(socket);
    await once(socket, 'secureConnect');
    socket.on('error', () => {});
    return socket;
  }

  /** What comes back for these bytes until the connection is closed. */
  async function exchange(socket: Socket, bytes: string): Promise<string> {
    let text = '';
    socket.setEncoding('latin1').on('data', (part) => {
      text += part;
    });
    socket.write(bytes);
    await once(socket, 'close');
    return text;
  }

  /** The first message of a client of `app.test`. */
  async function clientHello(): Promise<Buffer> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const socket = connectTls({ host: '127.0.0.1', port, servername: 'app.test' }).on('error', () => {});
    const [accepted] = (await once(server, 'connection')) as [Socket];
    const [hello] = (await once(accepted, 'data')) as [Buffer];
    accepted.destroy();
    socket.destroy();
    server.close();
    return hello;
  }

  const nameServed = async (servername: string): Promise<string> =>
    (await client(servername)).getPeerCertificate().subjectaltname ?? '';

  it('serves HTTP/1.1, and the program sees that the client has used https', async () => {
    const text = await exchange(
      await client('app.test'),
      GET.replace('\r\n\r\n', '\r\nX-Forwarded-Proto: http\r\n\r\n'),
    );
    assert.match(text, /^HTTP\/1\.1 200 OK/);
    assert.equal(seen?.headers['x-forwarded-proto'], 'https');
    assert.equal(seen?.headers.forwarded, 'for=127.0.0.1;host=app.test;proto=https');
  });

  it('sends a response in parts and takes a large body', async () => {
    const options = { port: harness.tlsPort, host: '127.0.0.1', ca, servername: 'app.test', agent: false };
    const request = httpsRequest({ ...options, method: 'POST', headers: { host: 'app.test' } });
    request.end('x'.repeat(1_000_000));
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    assert.equal(response.statusCode, 200);
    response.resume();
    await once(response, 'end');
    request.destroy();
  });

  it('serves HTTP/2 that ALPN has chosen', async () => {
    const session = connectHttp2(`https://app.test:${harness.tlsPort}`, {
      createConnection: () =>
        connectTls({
          host: '127.0.0.1',
          port: harness.tlsPort,
          ca,
          servername: 'app.test',
          ALPNProtocols: ['h2'],
        }),
    });
    const answers = [1, 2].map(async () => {
      const stream = session.request({ ':path': '/', ':authority': 'app.test' });
      const [headers] = await once(stream, 'response');
      stream.resume();
      await once(stream, 'end');
      return headers[':status'];
    });
    assert.deepEqual(await Promise.all(answers), [200, 200]);
    assert.equal(seen?.headers['x-forwarded-proto'], 'https');
    assert.equal(harness.slots.usage.read().http2Connections, 1);
    session.destroy();
  });

  const alpn: Record<string, { offered?: string[]; sent: string; answer: RegExp; reason: string }> = {
    'without ALPN is HTTP/1.1': { sent: GET, answer: /^HTTP\/1\.1 200/, reason: 'old clients' },
    'the preface without ALPN is no request': {
      sent: PREFACE,
      answer: /^HTTP\/1\.1 (400|505)/,
      reason: 'HTTP/2 over TLS needs ALPN (RFC 9113, 3.2)',
    },
    'HTTP/1.1 after h2 was agreed is no request': {
      offered: ['h2'],
      sent: GET,
      answer: /^(?!HTTP)/,
      reason: 'it would be answered in a protocol that the client does not read',
    },
  };
  for (const [name, { offered, sent, answer, reason }] of Object.entries(alpn)) {
    it(`${name}: ${reason}`, async () => {
      const socket = await client('app.test', offered && { ALPNProtocols: offered });
      assert.match(await exchange(socket, sent), answer);
    });
  }

  it('refuses a client that speaks no protocol of HTTP', () =>
    assert.rejects(client('app.test', { ALPNProtocols: ['imap'] }), /no application protocol/));

  it('forwards WebSockets', async () => {
    const options = { ca, servername: 'app.test', headers: { host: 'app.test' } };
    const ws = new WebSocket(`wss://127.0.0.1:${harness.tlsPort}/`, options);
    await once(ws, 'open');
    ws.send('hello');
    const [data] = await once(ws, 'message');
    assert.equal(String(data), 'hello');
    ws.close();
    await once(ws, 'close');
  });

  it('shows that a response is incomplete whose end is that of the connection', async () => {
    const socket = await client('app.test');
    const ended = new Promise((resolve) => socket.on('end', () => resolve('ended')));
    const broken = new Promise((resolve) => socket.on('error', () => resolve('broken')));
    socket.on('data', () => {});
    socket.write('GET /endless HTTP/1.0\r\nHost: app.test\r\n\r\n');
    assert.equal(await Promise.race([ended, broken]), 'broken');
  });

  it('rejects what is no request, on a connection that it closes', async () => {
    assert.match(await exchange(await client('app.test'), 'NONSENSE\r\n\r\n'), /^HTTP\/1\.1 400/);
    // The program rejects it, not the gateway.
    assert.match(
      await exchange(await client('app.test'), GET.replace('/ ', '/caf\xe9 ')),
      /^HTTP\/1\.1 400.*\r\ndate: /is,
    );
    assert.equal(counted('malformed'), 1);
  });

  describe('certificates', () => {
    beforeEach(async () => {
      await certify('sys/wild', '*.apps.test');
      await certify('sys/exact', 'one.apps.test');
    });

    const served: Record<string, { name: string; by: RegExp }> = {
      'by exact name': { name: 'app.test', by: /DNS:app\.test/ },
      'exact before a wildcard': { name: 'one.apps.test', by: /DNS:one\.apps\.test/ },
      'a wildcard for one label': { name: 'two.apps.test', by: /DNS:\*\.apps\.test/ },
      'in any case': { name: 'TWO.Apps.Test', by: /DNS:\*\.apps\.test/ },
    };
    for (const [why, { name, by }] of Object.entries(served)) {
      it(`are chosen ${why}`, async () => assert.match(await nameServed(name), by));
    }

    for (const name of ['other.test', 'a.b.apps.test', 'apps.test', '']) {
      it(`are none for '${name}', which ends the handshake`, async () => {
        const checkServerIdentity = () => undefined;
        await assert.rejects(client(name, { checkServerIdentity }), {
          code: /^ERR_SSL_|^EPROTO|^ECONNRESET/,
        });
        assert.equal(counted('failedHandshakes'), 1);
      });
    }

    it('change for new connections, and open ones go on', async () => {
      const before = await client('app.test');
      await certify('sys/app', 'app.test', 'added.test');
      assert.match(await nameServed('app.test'), /added/);
      assert.match(await nameServed('added.test'), /added/);
      assert.match(await exchange(before, GET), /^HTTP\/1\.1 200/);
      harness.certificate('sys/app', undefined);
      await assert.rejects(client('app.test'));
    });

    it('move from one Secret to another in either order', async () => {
      const pair = await serverCertificate(['moved.test']);
      harness.certificate('sys/old', { ...pair, names: ['moved.test'] });
      harness.certificate('sys/new', { ...pair, names: ['moved.test'] });
      harness.certificate('sys/old', undefined);
      assert.match(await nameServed('moved.test'), /moved/);
    });

    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      it(`let a client of ${maxVersion} resume its session on another thread`, async () => {
        await harness.close();
        await gateway(2, {});
        const first = await client('app.test', { maxVersion });
        // With TLS 1.3 it follows the handshake.
        const session = maxVersion === 'TLSv1.3' ? once(first, 'session') : [first.getSession()];
        const text = exchange(first, GET);
        const [given] = await session;
        await text;
        const second = await client('app.test', { maxVersion, session: given, port: harness.tlsPorts[1] });
        assert.equal(second.isSessionReused(), true);
      });
    }
  });

  describe('handshakes', () => {
    it('have a time limit, and count as connections', async () => {
      await harness.close();
      await gateway(1, { headerSeconds: 0.3 });
      const socket = connect(harness.tlsPort, '127.0.0.1');
      socket.write(Buffer.from([22, 3, 1, 2, 0, 1]));
      open.push(socket);
      await until('it is counted', () => harness.slots.usage.read().connections === 1);
      await once(socket, 'close');
      assert.equal(counted('closedForHandshakeTime'), 1);
    });

    it('that are slow give way to other connections', async () => {
      await harness.close();
      await gateway(1, { tlsConnections: 5 });
      for (let i = 0; i < 5; i++) {
        const socket = connect(harness.tlsPort, '127.0.0.1');
        socket.write(Buffer.from([22, 3, 1, 2, 0, 1]));
        open.push(socket.on('error', () => {}));
      }
      await until('all are open', () => harness.slots.usage.read().connections === 5);
      assert.match(await exchange(await client('app.test'), GET), /^HTTP\/1\.1 200/);
      assert.equal(counted('closedForCap'), 1);
    });

    it('have as many connections as the limit for them allows, and others are left alone', async () => {
      await harness.close();
      await gateway(1, { tlsConnections: 2 });
      const plain = connect(harness.port, '127.0.0.1');
      open.push(plain);
      await once(plain, 'connect');
      const first = await client('app.test');
      const closed = once(first.resume(), 'close');
      await client('app.test');
      await client('app.test');
      await closed;
      assert.match(await exchange(plain, GET), /^HTTP\/1\.1 200/);
    });

    it('that are no TLS end with their connection', async () => {
      await raw(harness.tlsPort, GET);
      assert.equal(counted('failedHandshakes'), 1);
    });

    it('may be renegotiated by no client', async () => {
      const socket = await client('app.test', { maxVersion: 'TLSv1.2' });
      const closed = new Promise((resolve) => socket.on('close', resolve));
      socket.renegotiate({}, () => {});
      await closed;
    });

    it('that come in a flood are answered one in a turn of the event loop', async () => {
      const hello = await clientHello();
      const flood = Array.from({ length: 400 }, () => connect(harness.tlsPort, '127.0.0.1'));
      open.push(...flood.map((socket) => socket.on('error', () => {})));
      await until('all are open', () => harness.slots.usage.read().connections === flood.length);
      let answered = 0;
      let longest = 0;
      let turnAt = cpuMs();
      const turn = (): void => {
        const now = cpuMs();
        longest = Math.max(longest, now - turnAt);
        turnAt = now;
        if (answered < flood.length) setImmediate(turn);
      };
      for (const socket of flood) {
        socket.once('data', () => answered++);
        socket.write(hello);
      }
      const startedAt = cpuMs();
      turn();
      await until('all are answered', () => answered === flood.length);
      const all = cpuMs() - startedAt;
      assert.ok(longest < all / 2, `one turn took ${longest} ms of ${all} ms`);
    });
  });

  describe('a request without TLS', () => {
    const at = `https://app.test:${REDIRECT_PORT}`;
    const redirects: Record<
      string,
      {
        path?: string;
        host?: string;
        method?: string;
        headers?: Record<string, string>;
        to?: string;
        reason: string;
      }
    > = {
      'with a path': { path: '/a?b=c', to: `${at}/a?b=c`, reason: 'all HTTP requests are redirected' },
      'with a port': { host: 'App.Test:80', to: `${at}/`, reason: 'the port is that of HTTP' },
      'of any method': { method: 'POST', to: `${at}/`, reason: 'as on Cloud Run' },
      'that a load balancer got over TLS': {
        headers: { 'x-forwarded-proto': 'https' },
        reason: 'it would go round in circles',
      },
      'of a host without a certificate': { host: 'plain.test', reason: 'its handshake would fail' },
    };
    for (const [which, { to, reason, path = '/', ...options }] of Object.entries(redirects)) {
      it(`${which} is ${to ? 'redirected' : 'served'}: ${reason}`, async () => {
        harness.serve('plain.test', { key: 'ns/plain', ports: [port] });
        const { status, headers, text } = await ask(harness.origin, path, options);
        assert.deepEqual([status, headers.location], to ? [302, to] : [200, undefined]);
        if (to) assert.equal(text, 'This host is served over HTTPS.\n');
        assert.equal(counted('redirected'), to ? 1 : 0);
      });
    }

    it('from inside the cluster is served', async () => {
      const { status } = await ask(`http://127.0.0.1:${harness.internalPorts[0]}`);
      assert.equal(status, 200);
    });

    it('of HTTP/2 or for a WebSocket is redirected too, and its target is a URL', async () => {
      const session = connectHttp2(harness.origin);
      const stream = session.request({ ':path': '/a', ':authority': 'app.test' });
      const [headers] = await once(stream, 'response');
      assert.deepEqual([headers[':status'], headers.location], [302, `${at}/a`]);
      session.destroy();
      const upgrade =
        'GET /caf\xe9 HTTP/1.1\r\nHost: app.test\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n';
      assert.match(
        await raw(harness.port, upgrade),
        /^HTTP\/1\.1 302 Found\r\n.*location: https:\/\/app\.test:8443\/caf%E9\r\n/s,
      );
    });
  });
});
