import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import type { IssuerEntry } from '../../identity/issuer.ts';
import { issuerEntry, testIssuer, tokenOf } from '../../identity/testing/testIssuer.ts';
import { until } from '../../testing/until.ts';
import { ask, Harness, type TestRevision } from '../testing/harness.ts';

const HOST = 'app.test';
const ISSUER = testIssuer('https://kubernetes.default.svc');
const INVOKERS = { audiences: [`https://${HOST}`], principals: ['user:system:serviceaccount:ns:web'] };
const claims = { aud: [`https://${HOST}`], sub: 'system:serviceaccount:ns:web' };
const headers = { authorization: `Bearer ${tokenOf(ISSUER, claims)}` };
const FORGED = { authorization: `Bearer ${tokenOf(testIssuer(ISSUER.issuer), claims)}` };

const FETCHED = issuerEntry(ISSUER, { isCluster: true });
const PENDING: IssuerEntry = { ...FETCHED, issuer: undefined, keys: undefined, pending: true };
const FAILED: IssuerEntry = { ...PENDING, pending: false };

describe('requests before the keys of an issuer are there', () => {
  let gateway: Harness;
  let server: Server;
  let sockets: WebSocketServer;

  before(async () => {
    sockets = new WebSocketServer({ noServer: true });
    server = createServer(async (request, response) => {
      let body = '';
      for await (const part of request) body += part;
      response.end(`hello ${body}`);
    });
    server.on('upgrade', (request, socket, head) => {
      sockets.handleUpgrade(request, socket, head, (ws) => ws.send('hello'));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => server.close());

  const begin = async (revision: TestRevision = {}, limits: object = {}) => {
    gateway = await new Harness(1, limits).listen();
    gateway.revision({ ports: [(server.address() as { port: number }).port], ...revision });
    gateway.setIssuers([PENDING]);
    gateway.route(HOST, [{ revision: 'ns/rev', percent: 100 }], false, INVOKERS);
  };
  afterEach(async () => {
    assert.deepEqual([queued(), gateway.slots.usage.read().requestBytes], [0, 0], 'nothing is left behind');
    await gateway.close();
  });
  const queued = () => gateway.slots.usage.read().queued;
  const waiting = (count: number) => until(`${count} wait`, () => queued() === count);

  it('wait for them over every protocol, with their bodies', async () => {
    await begin();
    const asked = ask(gateway.origin, '/', { method: 'POST', headers, body: 'world' });
    const forged = ask(gateway.origin, '/', { headers: FORGED });
    const session = connectHttp2(gateway.origin);
    const stream = session.request({ ':path': '/', ':authority': HOST, ...headers });
    const response = once(stream, 'response');
    const ws = new WebSocket(`ws://127.0.0.1:${gateway.port}/`, { headers: { host: HOST, ...headers } });
    const message = once(ws, 'message');
    await waiting(4);
    assert.equal((await ask(gateway.origin)).status, 403, 'one without a token need not wait');
    gateway.setIssuers([FETCHED]);
    const answer = await asked;
    assert.deepEqual([answer.status, answer.text], [200, 'hello world']);
    assert.equal((await forged).status, 401);
    assert.equal((await response)[0][':status'], 200);
    assert.equal(String((await message)[0]), 'hello');
    ws.terminate();
    session.destroy();
    await until('all have ended', () => gateway.planes[0]?.open === 0);
  });

  it('get 503 once the keys cannot be had', async () => {
    await begin();
    const asked = ask(gateway.origin, '/', { headers });
    await waiting(1);
    gateway.setIssuers([FAILED]);
    const answer = await asked;
    assert.deepEqual([answer.status, answer.headers['retry-after']], [503, '1']);
    assert.equal((await ask(gateway.origin, '/', { headers })).status, 503, 'nor do later ones wait');
  });

  it('wait on where another issuer has keys first', async () => {
    await begin();
    const asked = ask(gateway.origin, '/', { headers });
    await waiting(1);
    const other = issuerEntry(testIssuer('https://other.test'));
    gateway.setIssuers([other, PENDING]);
    assert.equal(queued(), 1);
    gateway.setIssuers([other, FETCHED]);
    assert.equal((await asked).status, 200);
  });

  const limits: Record<string, TestRevision> = {
    'than their own time': { timeoutMs: 100 },
    'than for an instance': { queueLimitMs: 100 },
  };
  for (const [name, revision] of Object.entries(limits)) {
    it(`wait no longer ${name}`, async () => {
      await begin(revision);
      assert.equal((await ask(gateway.origin, '/', { headers })).status, 503);
    });
  }

  it('are as many as may wait for instances', async () => {
    await begin({}, { queuePerAddress: 2 });
    const asked = [1, 2].map(() => ask(gateway.origin, '/', { headers }));
    await waiting(2);
    assert.equal((await ask(gateway.origin, '/', { headers })).status, 429);
    gateway.setIssuers([FETCHED]);
    assert.deepEqual(
      (await Promise.all(asked)).map(({ status }) => status),
      [200, 200],
    );
  });

  it('reach no instance when their client has left', async () => {
    await begin();
    const socket = connect({ port: gateway.port, host: '127.0.0.1' });
    socket.write(`GET / HTTP/1.1\r\nHost: ${HOST}\r\nAuthorization: ${headers.authorization}\r\n\r\n`);
    await waiting(1);
    socket.destroy();
    await until('its connection is gone', () => gateway.slots.usage.read().connections === 0);
    let reached = 0;
    server.once('request', () => reached++);
    gateway.setIssuers([FETCHED]);
    assert.equal((await ask(gateway.origin, '/', { headers })).status, 200);
    assert.equal(reached, 1);
  });

  it('are waited for by a process that ends', async () => {
    await begin();
    const asked = ask(gateway.origin, '/', { headers });
    await waiting(1);
    const stopped = gateway.planes[0]?.stop(5_000);
    gateway.setIssuers([FETCHED]);
    assert.equal((await asked).status, 200);
    await stopped;
  });
});
