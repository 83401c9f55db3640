import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server, type Http2Server } from 'node:http2';
import * as grpc from '@grpc/grpc-js';
import { WebSocket, WebSocketServer } from 'ws';
import { issuerEntry, testIssuer, tokenOf } from '../../identity/testing/testIssuer.ts';
import { until } from '../../testing/until.ts';
import { ask, Harness, raw } from '../testing/harness.ts';

const HOST = 'app.test';
const ISSUER = testIssuer('https://kubernetes.default.svc');
const INVOKERS = { audiences: [`https://${HOST}`], principals: ['user:system:serviceaccount:ns:web'] };
const claims = { aud: [`https://${HOST}`], sub: 'system:serviceaccount:ns:web' };
const GOOD = tokenOf(ISSUER, claims);
const BAD = tokenOf(testIssuer(ISSUER.issuer), claims);
const OTHER = tokenOf(ISSUER, { ...claims, sub: 'system:serviceaccount:ns:other' });
const SHOWN = `Bearer ${GOOD.split('.').slice(0, 2).join('.')}.SIGNATURE_REMOVED_BY_GOOGLE`;
const TOKENS = { none: undefined, forged: BAD, 'somebody else’s': OTHER } as const;
const WANT = { none: 403, forged: 401, 'somebody else’s': 403 } as const;
const fields = (token: string | undefined): Record<string, string> =>
  token === undefined ? {} : { authorization: `Bearer ${token}` };

/** A service that only its members may call, over every protocol, and with a gateway between client and owner. */
describe('a service that is not open to everyone', () => {
  let edge: Harness;
  let owner: Harness;
  let server: Server;
  let h2c: Http2Server;
  let sockets: WebSocketServer;
  let seen: IncomingMessage[];
  let seenHttp2: Record<string, unknown>[];

  before(async () => {
    sockets = new WebSocketServer({ noServer: true });
    server = createServer((request, response) => {
      seen.push(request);
      request.resume();
      response.end('hello');
    });
    server.on('upgrade', (request, socket, head) => {
      seen.push(request);
      sockets.handleUpgrade(request, socket, head, (ws) => ws.on('message', (data) => ws.send(data)));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    h2c = createHttp2Server();
    h2c.on('stream', (stream, headers) => {
      seenHttp2.push(headers);
      stream.on('error', () => {});
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      // One empty message.
      stream.end(Buffer.alloc(5));
    });
    h2c.listen(0, '127.0.0.1');
    await once(h2c, 'listening');
    edge = await new Harness(1, {}, true).listen();
    owner = await new Harness().listen();
    owner.allow(['127.0.0.1']);
    const ports = (at: Server | Http2Server) => [(at.address() as { port: number }).port];
    edge.revision({ ports: ports(server) });
    edge.revision({ key: 'ns/grpc', protocol: 'h2c', ports: ports(h2c) });
    edge.route(HOST, [{ revision: 'ns/rev', percent: 100 }], false, INVOKERS);
    edge.route('grpc.test', [{ revision: 'ns/grpc', percent: 100 }], false, INVOKERS);
    edge.route('open.test', [{ revision: 'ns/rev', percent: 100 }]);
    owner.serve('owned.test', { key: 'ns/owned', ports: ports(server) });
    owner.route('owned.test', [{ revision: 'ns/owned', percent: 100 }], false, INVOKERS);
    edge.forward('owned.test', owner.gatewayPorts[0] as number, { key: 'ns/owned' });
    edge.route('owned.test', [{ revision: 'ns/owned', percent: 100 }], false, INVOKERS);
    edge.setIssuers([issuerEntry(ISSUER, { isCluster: true })]);
  });

  beforeEach(() => {
    [seen, seenHttp2] = [[], []];
  });

  after(async () => {
    await Promise.all([edge.close(), owner.close()]);
    sockets.close();
    server.closeAllConnections();
    server.close();
    h2c.close();
  });

  const rejected = () => [
    edge.slots.usage.read().count('unauthenticated'),
    edge.slots.usage.read().count('forbidden'),
  ];

  it('gets requests of its members, without the signature of their tokens', async () => {
    const answer = await ask(edge.origin, '/', { headers: fields(GOOD), method: 'POST', body: 'x' });
    assert.deepEqual([answer.status, answer.text], [200, 'hello']);
    assert.equal(seen[0]?.headers.authorization, SHOWN);
  });

  it('is protected at the internal port and with any form of its host', async () => {
    const internal = `http://127.0.0.1:${edge.internalPorts[0]}`;
    for (const [origin, host] of [
      [internal, HOST],
      [edge.origin, 'APP.test.:80'],
    ] as const) {
      assert.equal((await ask(origin, '/', { host })).status, 403);
      assert.equal((await ask(origin, '/', { host, headers: fields(GOOD) })).status, 200);
    }
    assert.equal(seen.length, 2);
  });

  it('leaves the token of an open service as it is', async () => {
    const { status } = await ask(edge.origin, '/', { host: 'open.test', headers: fields(BAD) });
    assert.deepEqual([status, seen[0]?.headers.authorization], [200, `Bearer ${BAD}`]);
  });

  for (const name of ['none', 'forged', 'somebody else’s'] as const) {
    const [token, want] = [TOKENS[name], WANT[name]];

    it(`rejects a request over HTTP/1.1: ${name}`, async () => {
      const before = rejected();
      const answer = await ask(edge.origin, '/a?b=c', { headers: fields(token), method: 'POST', body: 'x' });
      assert.equal(answer.status, want);
      assert.equal(answer.headers['content-type'], 'text/html; charset=UTF-8');
      assert.match(answer.text, want === 401 ? /<title>401 Unauthorized/ : /<title>403 Forbidden/);
      assert.match(answer.text, /URL <code>\/a<\/code>/);
      const challenge = answer.headers['www-authenticate'];
      assert.equal(
        challenge,
        want === 401
          ? 'Bearer error="invalid_token" error_description="The access token could not be verified"'
          : undefined,
      );
      assert.deepEqual(
        rejected(),
        want === 401 ? [(before[0] ?? 0) + 1, before[1]] : [before[0], (before[1] ?? 0) + 1],
      );
      assert.equal(seen.length, 0);
    });

    it(`rejects a request over HTTP/2: ${name}`, async () => {
      const client = connectHttp2(edge.origin);
      const stream = client.request({ ':path': '/', ':authority': HOST, ...fields(token) });
      const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
      assert.equal(headers[':status'], want);
      assert.equal(headers['content-type'], 'text/html; charset=UTF-8');
      assert.equal(headers['www-authenticate'] !== undefined, want === 401);
      client.destroy();
      assert.equal(seen.length, 0);
    });

    it(`rejects a WebSocket: ${name}`, async () => {
      const ws = new WebSocket(`ws://127.0.0.1:${edge.port}/`, { headers: { host: HOST, ...fields(token) } });
      ws.on('error', () => {});
      const [, response] = (await once(ws, 'unexpected-response')) as [unknown, IncomingMessage];
      assert.equal(response.statusCode, want);
      assert.equal(response.headers['content-type'], 'text/html; charset=UTF-8');
      assert.equal(response.headers['www-authenticate'] !== undefined, want === 401);
      ws.terminate();
      assert.equal(seen.length, 0);
    });

    it(`rejects a gRPC call: ${name}`, async () => {
      const code = want === 401 ? grpc.status.UNAUTHENTICATED : grpc.status.PERMISSION_DENIED;
      assert.equal(await call(token), code);
      assert.equal(seenHttp2.length, 0);
    });
  }

  /** The code of a gRPC call. */
  async function call(token: string | undefined): Promise<grpc.status> {
    const client = new grpc.Client(`127.0.0.1:${edge.port}`, grpc.credentials.createInsecure(), {
      'grpc.default_authority': 'grpc.test',
    });
    const metadata = new grpc.Metadata();
    if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
    const bytes = (b: Buffer) => b;
    try {
      return await new Promise((resolve) => {
        client.makeUnaryRequest('/a.B/C', bytes, bytes, Buffer.alloc(0), metadata, (error) =>
          resolve(error?.code ?? grpc.status.OK),
        );
      });
    } finally {
      client.close();
    }
  }

  it('gets WebSockets of its members', async () => {
    const headers = { host: HOST, ...fields(GOOD) };
    const ws = new WebSocket(`ws://127.0.0.1:${edge.port}/`, { headers });
    await once(ws, 'open');
    ws.send('hello');
    assert.equal(String((await once(ws, 'message'))[0]), 'hello');
    assert.equal(seen[0]?.headers.authorization, SHOWN);
    ws.close();
    await once(ws, 'close');
  });

  it('gets gRPC calls of its members', async () => {
    assert.equal(await call(GOOD), grpc.status.OK);
    assert.equal(seenHttp2[0]?.authorization, SHOWN);
  });

  it('rejects two tokens over one field each', async () => {
    const answer = await raw(
      edge.port,
      `GET / HTTP/1.1\r\nHost: ${HOST}\r\nAuthorization: Bearer ${GOOD}\r\nauthorization: Bearer ${BAD}\r\nConnection: close\r\n\r\n`,
    );
    assert.match(answer, /^HTTP\/1\.1 401 /);
  });

  it('is checked once where another gateway owns its revision, which gets no signature either', async () => {
    // The owner knows no issuer: it would reject what it checked.
    const good = await ask(edge.origin, '/', { host: 'owned.test', headers: fields(GOOD) });
    assert.equal(good.status, 200);
    assert.equal(seen[0]?.headers.authorization, SHOWN);
    assert.equal((await ask(edge.origin, '/', { host: 'owned.test' })).status, 403);
    const headers = { host: 'owned.test', ...fields(GOOD) };
    const ws = new WebSocket(`ws://127.0.0.1:${edge.port}/`, { headers });
    await once(ws, 'open');
    ws.close();
    await once(ws, 'close');
    assert.equal(seen[1]?.headers.authorization, SHOWN);
  });

  it('does not take the word of a client for that of a gateway', async () => {
    const headers = { 'x-homerun-forwarded': '1 ns/owned' };
    assert.equal((await ask(edge.origin, '/', { host: 'owned.test', headers })).status, 403);
    assert.equal((await ask(owner.origin, '/', { host: 'owned.test', headers })).status, 403);
    owner.allow(['192.0.2.1']);
    try {
      const at = `http://127.0.0.1:${owner.gatewayPorts[0]}`;
      await assert.rejects(ask(at, '/', { host: 'owned.test', headers }), 'only gateways may connect');
    } finally {
      owner.allow(['127.0.0.1']);
    }
    assert.equal(seen.length, 0);
  });

  it('follows its policy at once, on open connections too', async () => {
    const targets = [{ revision: 'ns/rev', percent: 100 }];
    const status = async () => (await ask(edge.origin, '/', { headers: fields(GOOD) })).status;
    assert.equal(await status(), 200);
    edge.route(HOST, targets, false, { ...INVOKERS, principals: [] });
    assert.equal(await status(), 403);
    edge.route(HOST, targets);
    assert.equal(await status(), 200);
    assert.equal(seen[1]?.headers.authorization, `Bearer ${GOOD}`);
    edge.route(HOST, targets, false, INVOKERS);
    assert.equal(await status(), 200);
  });

  it('asks the control thread for a key that it does not know', async () => {
    const next = testIssuer(ISSUER.issuer, { kid: 'k2' });
    const headers = fields(tokenOf(next, claims));
    assert.equal((await ask(edge.origin, '/', { headers })).status, 401);
    await until('it is asked for', () => edge.sent('unknownKey').length === 1);
    assert.equal(edge.sent('unknownKey')[0]?.issuer, ISSUER.issuer);
    edge.setIssuers([issuerEntry(ISSUER, { isCluster: true, keys: [ISSUER.jwk, next.jwk] })]);
    assert.equal((await ask(edge.origin, '/', { headers })).status, 200);
  });
});
