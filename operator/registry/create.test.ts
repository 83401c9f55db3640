import { deepEqual, equal, match, ok } from 'node:assert/strict';
import type { KubeObject } from '../kube/types.ts';
import { FakeApiServer, Rejection } from '../testing/fakeApiServer.ts';
import { silent, until } from '../testing/until.ts';
import { createResolver } from './create.ts';
import { readKeyring } from './pullsecrets.ts';
import {
  INDEX_DIGEST,
  pullSecret,
  serveError,
  serveIndex,
  startServer,
  type TestServer,
} from './testing/registry.ts';

const login = `Basic ${Buffer.from('ann:pw').toString('base64')}`;

function secretObject(name: string, host: string): KubeObject {
  const { type, data } = pullSecret(name, { [host]: { username: 'ann', password: 'pw' } });
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: 'demo' },
    type,
    data,
  } as KubeObject;
}

function accountObject(name: string, ...secrets: string[]): KubeObject {
  const imagePullSecrets = secrets.map((secret) => ({ name: secret }));
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name, namespace: 'demo' },
    imagePullSecrets,
  } as KubeObject;
}

describe('readKeyring', () => {
  let api: FakeApiServer;
  beforeEach(async () => {
    api = await FakeApiServer.start();
  });
  afterEach(() => api.close());

  const read = (pullSecrets: string[], serviceAccount = '') =>
    readKeyring(api.client, { namespace: 'demo', serviceAccount, pullSecrets });

  it("takes the revision's own pull secrets", async () => {
    api.put(secretObject('own', 'r.example'));
    const { secrets, entries } = await read(['own']);
    deepEqual([secrets, entries[0]?.pattern], [['own'], 'r.example']);
  });

  it("takes the ServiceAccount's when the revision has none", async () => {
    api.put(secretObject('robots', 'r.example'));
    api.put(accountObject('robot', 'robots'));
    deepEqual((await read([], 'robot')).secrets, ['robots']);
  });

  it("leaves out the ServiceAccount's when the revision has its own, as the kubelet does", async () => {
    api.put(secretObject('own', 'r.example'));
    api.put(secretObject('robots', 'r.example'));
    api.put(accountObject('default', 'robots'));
    deepEqual((await read(['own'])).secrets, ['own']);
  });

  it('uses the default ServiceAccount when none is named, and none at all if it is missing', async () => {
    deepEqual((await read([])).secrets, []);
    api.put(secretObject('all', 'r.example'));
    api.put(accountObject('default', 'all'));
    deepEqual((await read([])).secrets, ['all']);
  });

  it('notes a secret that does not exist', async () => {
    deepEqual((await read(['gone'])).problems, ['secret "gone" does not exist']);
  });

  it('notes a secret that it may not read, and reads the others', async () => {
    api.put(secretObject('own', 'r.example'));
    const isOther = ({ path }: { path: string }) => path.endsWith('/secrets/closed');
    api.failNext(new Rejection(403, 'Forbidden', 'not here'), isOther);
    const { secrets, problems } = await read(['closed', 'own']);
    deepEqual(secrets, ['own']);
    deepEqual(problems, ['secret "closed" may not be read (chart value registry.pullSecretNamespaces)']);
  });
});

describe('createResolver', () => {
  let api: FakeApiServer;
  let registry: TestServer;
  beforeEach(async () => {
    api = await FakeApiServer.start();
    registry = await startServer((request, response) => {
      if (request.headers.authorization === login) return serveIndex(request, response);
      serveError(response, 401, 'UNAUTHORIZED', { 'www-authenticate': 'Basic realm="r"' });
    });
  });
  afterEach(async () => {
    await api.close();
    await registry[Symbol.asyncDispose]();
  });

  /** Looks up once, waits for the call back, looks up again. */
  async function resolve(pullSecrets: string[]) {
    const called: string[] = [];
    const resolver = createResolver({
      client: api.client,
      config: { insecure: [registry.host], skip: [], timeoutSeconds: 5 },
      onDone: (revision) => called.push(revision),
      log: silent,
    });
    const request = {
      revision: 'demo/app-00001',
      image: `${registry.host}/team/app:v1`,
      namespace: 'demo',
      serviceAccount: 'default',
      pullSecrets,
    };
    equal(resolver.lookup(request).state, 'pending');
    await until('the call back', () => called.includes('demo/app-00001'));
    return resolver.lookup(request);
  }

  it('goes from a tag and a pull secret to a digest', async () => {
    api.put(secretObject('regcred', registry.host));
    const state = await resolve(['regcred']);
    ok(state.state === 'resolved');
    equal(state.image, `${registry.host}/team/app@${INDEX_DIGEST}`);
  });

  it('says what is missing', async () => {
    const state = await resolve(['regcred']);
    ok(state.state === 'failed');
    match(state.error.message, /no pull secret is for it; secret "regcred" does not exist\.$/);
  });

  it('says when the API server does not give the secrets', async () => {
    api.kill();
    const state = await resolve(['regcred']);
    await api.restart();
    ok(state.state === 'failed');
    equal(state.error.code, 'PULL_SECRETS');
  });
});
