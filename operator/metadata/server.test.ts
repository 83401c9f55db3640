import { deepEqual, equal, match, notEqual, ok } from 'node:assert/strict';
import { Agent, request } from 'undici';
import { type Namespace, PODS } from '../kube/core.ts';
import { metadataRequests } from '../telemetry/metrics.ts';
import { type FakeApiServer, Rejection, type SeenRequest } from '../testing/fakeApiServer.ts';
import { Harness } from './testing/harness.ts';
import { account, instance } from './testing/pods.ts';
import { claimsOf } from './testing/token.ts';

const FLAVOR = { 'metadata-flavor': 'Google' };
const V1 = '/computeMetadata/v1';
const IDENTITY = `${V1}/instance/service-accounts/default/identity`;

/** Loopback has many addresses: each pod of a test sends from one of its own. */
const SHOP = '127.0.0.2';
const BANK = '127.0.0.3';

describe('the metadata server', () => {
  let harness: Harness;
  let api: FakeApiServer;
  const agents = new Map<string, Agent>();

  beforeEach(async () => {
    harness = await Harness.start({ metadata: { projectNumbers: { bank: '42' } } }, (seeded) => {
      const shop = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', uid: 'uid-shop' } };
      seeded.put(shop as Namespace);
      seeded.put(account('shop', 'worker'));
      seeded.put(account('bank', 'teller'));
      seeded.put(instance('hello', { ip: SHOP }));
      seeded.put(instance('vault', { namespace: 'bank', ip: BANK, account: 'teller' }));
    });
    api = harness.api;
    metadataRequests.reset();
  });

  afterEach(async () => {
    for (const agent of agents.values()) await agent.destroy();
    agents.clear();
    await harness.close();
  });

  async function ask(path: string, { from = SHOP, headers = FLAVOR as object, method = 'GET' } = {}) {
    const dispatcher = agents.get(from) ?? new Agent({ localAddress: from });
    agents.set(from, dispatcher);
    const options = { dispatcher, headers: headers as Record<string, string>, method };
    const answer = await request(harness.origin + path, options);
    return { status: answer.statusCode, headers: answer.headers, body: await answer.body.text() };
  }

  const minted = () => api.requests.filter(({ path }: SeenRequest) => path.endsWith('/token'));

  it('gives each caller its own metadata', async () => {
    const paths = ['project/project-id', 'project/numeric-project-id', 'instance/zone'];
    const email = 'instance/service-accounts/default/email';
    const of = async (from: string) =>
      Promise.all([...paths, email].map(async (path) => (await ask(`${V1}/${path}`, { from })).body));
    const [, number = ''] = await of(SHOP);
    match(number, /^\d{12}$/);
    deepEqual(await of(SHOP), [
      'shop',
      number,
      `projects/${number}/zones/local-cluster1-1`,
      'worker@shop.iam.gserviceaccount.com',
    ]);
    deepEqual(await of(BANK), [
      'bank',
      '42',
      'projects/42/zones/local-cluster1-1',
      'teller@bank.iam.gserviceaccount.com',
    ]);
    const ids = await Promise.all(
      [SHOP, BANK].map(async (from) => (await ask(`${V1}/instance/id`, { from })).body),
    );
    notEqual(ids[0], ids[1]);
  });

  it('identifies the server in every response', async () => {
    for (const path of ['/', V1, `${V1}/instance/id`, '/nothing', `${IDENTITY}`]) {
      const { headers } = await ask(path);
      equal(headers['metadata-flavor'], 'Google', path);
      equal(headers.server, 'Metadata Server for Serverless');
    }
    const { headers } = await ask(`${V1}/instance/id`, { headers: {} });
    equal(headers['metadata-flavor'], 'Google');
    equal(headers['content-type'], 'application/text');
    equal((await ask(`${V1}/?recursive=true`)).headers['content-type'], 'application/json');
  });

  const REFUSED: Record<
    string,
    { headers?: object; method?: string; path?: string; want: [number, RegExp] }
  > = {
    'without the header': { headers: {}, want: [403, /Metadata-Flavor: Google is missing/] },
    'with another value': { headers: { 'metadata-flavor': 'google' }, want: [403, /is missing/] },
    'through a proxy': {
      headers: { ...FLAVOR, 'x-forwarded-for': BANK },
      want: [403, /X-Forwarded-For/],
    },
    'to / through a proxy': {
      headers: { 'x-forwarded-for': BANK },
      path: '/',
      want: [403, /X-Forwarded-For/],
    },
    'that writes': { method: 'POST', want: [405, /GET and HEAD/] },
    'with a broken path': { path: `${V1}/%ff`, want: [400, /is no path/] },
    'for nothing that is here': { path: `${V1}/instance/attributes/`, want: [404, /attributes/] },
    'that would wait': { path: `${V1}/instance/id?wait_for_change=true`, want: [400, /wait_for_change/] },
  };
  for (const [name, { path = `${V1}/instance/id`, want, ...options }] of Object.entries(REFUSED)) {
    it(`rejects a request ${name}`, async () => {
      const { status, body } = await ask(path, options);
      equal(status, want[0]);
      match(body, want[1]);
    });
  }

  it('rejects a caller that is no instance', async () => {
    const { status, body } = await ask(`${V1}/instance/id`, { from: '127.0.0.9' });
    equal(status, 403);
    match(body, /no instance has the address 127\.0\.0\.9/);
  });

  it('answers / to all callers at once: clients detect the server by it', async () => {
    const { status, body } = await ask('/', { from: '127.0.0.9', headers: {} });
    deepEqual([status, body], [200, 'computeMetadata/\n']);
  });

  it('answers HEAD', async () => {
    const { status, body, headers } = await ask('/', { method: 'HEAD' });
    deepEqual([status, body, headers['metadata-flavor']], [200, '', 'Google']);
  });

  it('sends clients from a directory’s name to the directory', async () => {
    const { status, headers } = await ask(`${V1}/instance?recursive=true`);
    deepEqual([status, headers.location], [301, `${V1}/instance/?recursive=true`]);
  });

  describe('identity tokens', () => {
    it('are of the calling pod, for the audience that it names', async () => {
      const { status, body } = await ask(`${IDENTITY}?audience=https://a.example&format=full`);
      equal(status, 200);
      const claims = claimsOf(body);
      deepEqual(claims.aud, ['https://a.example']);
      equal(claims.sub, 'system:serviceaccount:shop:worker');
      deepEqual([claims['kubernetes.io'].pod.name, claims['kubernetes.io'].pod.uid], ['hello', 'uid-hello']);
      const other = claimsOf((await ask(`${IDENTITY}?audience=https://a.example`, { from: BANK })).body);
      equal(other.sub, 'system:serviceaccount:bank:teller');
    });

    it('are kept until five minutes before their end', async () => {
      const token = async () => (await ask(`${IDENTITY}?audience=a`)).body;
      const first = await token();
      equal(await token(), first);
      harness.pass(3_290_000);
      equal(await token(), first);
      harness.pass(20_000);
      notEqual(await token(), first);
      equal(minted().length, 2);
    });

    it('are requested once for many callers at the same time', async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, () => ask(`${IDENTITY}?audience=a`)));
      equal(new Set(answers.map(({ body }) => body)).size, 1);
      equal(minted().length, 1);
    });

    it('differ by audience', async () => {
      const audiences = ['a', 'b'].map(
        async (audience) => (await ask(`${IDENTITY}?audience=${audience}`)).body,
      );
      const [a = '', b = ''] = await Promise.all(audiences);
      deepEqual([claimsOf(a).aud, claimsOf(b).aud], [['a'], ['b']]);
    });

    it('never go to the next pod of an address, kept ones neither', async () => {
      const first = claimsOf((await ask(`${IDENTITY}?audience=a`)).body);
      equal(first.sub, 'system:serviceaccount:shop:worker');
      // The watch says nothing of it, and the token of the old pod is kept.
      api.storage.listeners.clear();
      api.put(account('shop', 'thief'));
      api.remove(PODS, { namespace: 'shop', name: 'hello' });
      api.put(instance('next', { ip: SHOP, account: 'thief' }));
      const claims = claimsOf((await ask(`${IDENTITY}?audience=a`)).body);
      equal(claims.sub, 'system:serviceaccount:shop:thief');
      equal(claims['kubernetes.io'].pod.name, 'next');
    });

    it('are not given while the API server cannot confirm the caller', async () => {
      equal((await ask(`${IDENTITY}?audience=a`)).status, 200);
      api.kill();
      const { status, body } = await ask(`${IDENTITY}?audience=a`);
      equal(status, 503, 'clients try that again');
      match(body, /API server/);
      equal((await ask(`${V1}/project/project-id`)).status, 200, 'what is no secret is served all the same');
    });

    it('are rejected for good where a policy of the cluster rejects them', async () => {
      const why = "ValidatingAdmissionPolicy 'tokens' denied request: not for the cluster's API server";
      const isToken = ({ path }: SeenRequest) => path.endsWith('/token');
      api.failNext(new Rejection(422, 'Invalid', why), isToken);
      const { status, body } = await ask(`${IDENTITY}?audience=a`);
      equal(status, 403, 'clients ask again after a 503');
      ok(body.includes(why), body);
    });

    it('need a ServiceAccount that is there', async () => {
      api.put(instance('orphan', { ip: '127.0.0.4', account: 'gone' }));
      const { status, body } = await ask(`${IDENTITY}?audience=a`, { from: '127.0.0.4' });
      equal(status, 503);
      match(body, /serviceaccounts "gone" not found/);
    });
  });

  it('has no access tokens unless configured, and says how', async () => {
    const { status, body } = await ask(`${V1}/instance/service-accounts/default/token`);
    equal(status, 404);
    match(body, /metadata\.workloadIdentity\.audience/);
  });

  it('counts requests by what they ask for', async () => {
    await ask('/');
    await ask(`${V1}/instance/id`);
    await ask(`${V1}/instance/id`);
    await ask(`${IDENTITY}?audience=a`);
    await ask('/nothing');
    const { values } = await metadataRequests.get();
    const counts = Object.fromEntries(
      values.map(({ labels, value }) => [`${labels.path} ${labels.code}`, value]),
    );
    deepEqual(counts, { 'root 200': 1, 'value 200': 2, 'identity 200': 1, 'unknown 404': 1 });
    ok(!JSON.stringify(values).includes('hello'), 'no names of pods');
  });
});
