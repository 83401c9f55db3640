import assert from 'node:assert/strict';
import { Agent, request } from 'undici';
import { silent } from '../testing/until.ts';
import type { AdmissionRequest, AdmissionReview } from './admission/review.ts';
import { renew } from './certificates/renewal.ts';
import type { Credentials } from './certificates/rotation.ts';
import { startServer, type WebhookServer } from './server.ts';
import { LENIENT, objectOf, requestFor } from './testing/requests.ts';

const HOST = '127.0.0.1';
const APP = objectOf('spec: {template: {spec: {containers: [{image: app}]}}}');

const TOKEN = 'a'.repeat(64);

const review = (object: unknown) =>
  JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: requestFor(object),
  });

describe('webhook server', () => {
  let server: WebhookServer;
  let credentials: Credentials;
  let agent: Agent;

  beforeEach(async () => {
    const evict = async ({ uid, name }: AdmissionRequest) => ({ uid, allowed: name !== 'busy' });
    const secretPaths = { evict, lookup: async ({ uid }: AdmissionRequest) => ({ uid, allowed: true }) };
    server = await startServer({
      port: 0,
      host: HOST,
      policy: LENIENT,
      secretPaths,
      log: silent,
      drainMs: 50,
    });
    credentials = await renew('create', undefined, [HOST], Date.now());
    agent = new Agent({ connect: { ca: credentials.authorities } });
  });
  afterEach(async () => {
    await agent.destroy();
    await server.close();
  });

  const ask = async (path: string, body: string) => {
    const answer = await request(`https://${HOST}:${server.port}${path}`, {
      dispatcher: agent,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    const { statusCode, headers } = answer;
    return {
      statusCode,
      headers,
      body: (await answer.body.json()) as AdmissionReview & { message?: string },
    };
  };

  it('fails TLS before it has a certificate', async () => {
    await assert.rejects(ask('/default', review(APP)));
    server.serve(credentials);
    assert.equal((await ask('/default', review(APP))).body.response?.allowed, true);
  });

  it('answers whether a pod may be evicted', async () => {
    server.serve(credentials);
    server.acceptTokens({ evict: [{ token: TOKEN, madeAt: 0 }], lookup: [] });
    const eviction = (name: string) =>
      JSON.stringify({
        apiVersion: 'admission.k8s.io/v1',
        kind: 'AdmissionReview',
        request: {
          uid: 'u',
          kind: { group: 'policy', version: 'v1', kind: 'Eviction' },
          operation: 'CREATE',
          namespace: 'ns',
          name,
        },
      });
    for (const [name, allowed] of [
      ['busy', false],
      ['idle', true],
    ] as const) {
      assert.deepEqual((await ask(`/evict/${TOKEN}`, eviction(name))).body.response, { uid: 'u', allowed });
    }
    assert.equal(
      (await ask(`/lookup/${TOKEN}`, review(APP))).statusCode,
      404,
      'it is the token of another path',
    );
  });

  it('answers reviews with the uid of the question', async () => {
    server.serve(credentials);
    for (const path of ['/default', '/validate']) {
      const { statusCode, body } = await ask(path, review(APP));
      assert.equal(statusCode, 200);
      assert.equal(body.apiVersion, 'admission.k8s.io/v1');
      assert.equal(body.kind, 'AdmissionReview');
      assert.deepEqual([body.response?.uid, body.response?.allowed], ['review-1', true]);
    }
  });

  const BAD: Record<string, { body: string; says: RegExp }> = {
    'no JSON': { body: '{', says: /JSON/ },
    'another version': {
      body: '{"apiVersion":"admission.k8s.io/v1beta1"}',
      says: /must be admission\.k8s\.io\/v1/,
    },
    'no request': {
      body: '{"apiVersion":"admission.k8s.io/v1"}',
      says: /request with uid, kind and operation/,
    },
    'larger than two objects': {
      body: JSON.stringify([Array(300_000).fill(1)]),
      says: /the review has too many values/,
    },
    null: { body: 'null', says: /must be admission\.k8s\.io\/v1/ },
    'of a user whose name is a deep list': {
      body: review(APP).replace(
        /"username":"[^"]*"/,
        `"username":${'['.repeat(50_000)}1${']'.repeat(50_000)}`,
      ),
      says: /request\.userInfo\.username is \[\[.*it must be a string/,
    },
  };
  for (const [name, { body, says }] of Object.entries(BAD)) {
    it(`says what is wrong with a question that is ${name}`, async () => {
      server.serve(credentials);
      const answer = await ask('/validate', body);
      assert.equal(answer.statusCode, 400);
      assert.match(answer.body.message ?? '', says);
    });
  }

  it('takes keys that mean something to JavaScript for plain data', async () => {
    server.serve(credentials);
    const text = review(APP).replace(
      '"image":"app"',
      '"image":"app","__proto__":{"a":1},"constructor":{"prototype":{}}',
    );
    const { statusCode, body } = await ask('/default', text);
    assert.equal(statusCode, 200);
    assert.equal(body.response?.allowed, true);
  });

  it('names a map with too many keys', async () => {
    server.serve(credentials);
    const annotations = Object.fromEntries(Array.from({ length: 10_500 }, (_, i) => [`k${i}`, '']));
    const wide = { ...APP, metadata: { ...APP.metadata, annotations } };
    for (const path of ['/default', '/validate']) {
      const { body } = await ask(path, review(wide));
      assert.equal(body.response?.allowed, false);
      assert.equal(
        body.response?.status?.message,
        'metadata.annotations: has more than 10000 keys; it may have at most 10000',
      );
    }
  });

  it('rejects an object with too many values', async () => {
    server.serve(credentials);
    const wide = { ...APP, spec: { a: Array(150_000).fill({}) } };
    for (const path of ['/default', '/validate']) {
      const { statusCode, body } = await ask(path, review(wide));
      assert.deepEqual([statusCode, body.response?.uid, body.response?.allowed], [200, 'review-1', false]);
      assert.match(
        body.response?.status?.message ?? '',
        /^spec\.a\[999\d\d\]: is too large: the object has more than 100000 values$/,
      );
    }
  });

  it('takes a new certificate into use without a pause', async () => {
    server.serve(credentials);
    await ask('/default', review(APP));
    const next = await renew('create', undefined, [HOST], Date.now());
    server.serve(next);
    assert.equal((await ask('/default', review(APP))).statusCode, 200, 'on the connection that is open');
    const newcomer = new Agent({ connect: { ca: next.authorities } });
    await agent.destroy();
    agent = newcomer;
    assert.equal((await ask('/default', review(APP))).statusCode, 200, 'on a new one');
  });

  it('lets API servers go before it closes', async () => {
    server.serve(credentials);
    await ask('/default', review(APP));
    const closed = server.close();
    const { statusCode, headers } = await ask('/default', review(APP));
    assert.deepEqual([statusCode, headers.connection], [200, 'close']);
    await closed;
    await assert.rejects(ask('/default', review(APP)));
  });
});
