import { deepEqual, equal, rejects } from 'node:assert/strict';
import type { JsonWebKey } from 'node:crypto';
import { parseConfig } from '../config.ts';
import { clusterSource } from '../identity/issuerSource.ts';
import { NAMESPACES, PODS, type Pod, SERVICE_ACCOUNTS } from '../kube/core.ts';
import type { ApiServer } from '../testing/apiServer.ts';
import { giveBackApiServer, takeApiServer } from '../testing/sharedApiServer.ts';
import { silent, until } from '../testing/until.ts';
import { Callers } from './callers.ts';
import { Issuer } from './issuer.ts';
import { instance } from './testing/pods.ts';
import { verifiedClaims } from './testing/token.ts';
import { requestToken } from './tokens.ts';

const namespace = 'shop';
const ip = '10.9.8.7';

interface Review {
  status: {
    authenticated?: boolean;
    user?: { username: string; extra?: Record<string, string[]> };
    error?: string;
  };
}

describe('identity on a real API server', () => {
  let server: ApiServer;
  let callers: Callers;
  const stop = new AbortController();
  let running: Promise<void>;

  before(async () => {
    server = await takeApiServer();
    const { client } = server;
    await client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    for (const name of ['worker', 'other']) {
      const metadata = { name, namespace };
      await client.create(SERVICE_ACCOUNTS, { apiVersion: 'v1', kind: 'ServiceAccount', metadata });
    }
    callers = new Callers({ client, log: silent, waitMs: 500 });
    running = callers.informer.run(stop.signal);
    await callers.informer.synced;
  });

  after(async () => {
    stop.abort();
    await running;
    await giveBackApiServer(server);
  });

  /** A pod that a kubelet reports to run with an address. */
  async function run(name: string, account: string, address = ip): Promise<Pod> {
    const { metadata, spec, status, ...kind } = instance(name, { namespace, account, ip: address });
    const { uid: _, creationTimestamp: __, ...given } = metadata;
    await server.client.create(PODS, { ...kind, metadata: given, spec } as Pod);
    return server.client.mergePatch(PODS, given, { status }, { subresource: 'status' });
  }

  async function stopPod(name: string): Promise<void> {
    await server.client.delete(PODS, { namespace, name }, { gracePeriodSeconds: 0 });
    await until(`${name} to be gone`, async () => !(await server.client.get(PODS, { namespace, name })));
  }

  function review(token: string, audience: string): Promise<Review> {
    return server.client.request('POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
      body: {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenReview',
        spec: { token, audiences: [audience] },
      },
    });
  }

  it('finds a pod by its address before and after the watch shows it', async () => {
    const pod = await run('found', 'worker', '10.9.8.1');
    const found = await callers.certainlyAt('10.9.8.1');
    deepEqual([found.metadata.uid, found.spec?.serviceAccountName], [pod.metadata.uid, 'worker']);
    await until('the watch to tell of it', () => callers.informer.store.get(`${namespace}/found`));
    equal((await callers.certainlyAt('10.9.8.1')).metadata.uid, pod.metadata.uid);
    await stopPod('found');
    await rejects(callers.certainlyAt('10.9.8.1'), { code: 'CALLER_UNKNOWN' });
  });

  it('does not take a new pod for the terminating one', async () => {
    await run('going', 'worker', '10.9.8.2');
    await server.client.delete(PODS, { namespace, name: 'going' }, { gracePeriodSeconds: 30 });
    equal(
      (await callers.certainlyAt('10.9.8.2')).metadata.name,
      'going',
      'a program may use its last seconds',
    );
    const { metadata, spec, status: _, ...kind } = instance('coming', { namespace });
    const { uid: __, creationTimestamp: ___, ...given } = metadata;
    await server.client.create(PODS, { ...kind, metadata: given, spec } as Pod);
    await rejects(callers.certainlyAt('10.9.8.2'), {
      code: 'CALLER_CONTESTED',
      message: /shop\/coming may have/,
    });
    await stopPod('coming');
    equal((await callers.certainlyAt('10.9.8.2')).metadata.name, 'going');
    await stopPod('going');
  });

  it('gets a token that the cluster’s published keys verify, and that expires with the pod', async () => {
    await run('hello', 'worker');
    const pod = await callers.certainlyAt(ip);
    const config = parseConfig({}).metadata.workloadIdentity;
    const issuer = new Issuer({ client: server.client, config });
    const { value, expiresAt } = await issuer.identity({ pod, audience: 'https://a.example' });
    equal(Math.abs(expiresAt - Date.now() - 3_600_000) < 60_000, true, 'good for an hour');
    const claims = verifiedClaims(value, await publishedKeys());
    deepEqual([claims.aud, claims.sub], [['https://a.example'], 'system:serviceaccount:shop:worker']);

    const { status } = await review(value, 'https://a.example');
    equal(status.authenticated, true, status.error);
    deepEqual(status.user?.extra?.['authentication.kubernetes.io/pod-uid'], [pod.metadata.uid]);
    equal(
      (await review(value, 'https://b.example')).status.authenticated ?? false,
      false,
      'for one audience only',
    );
    equal((await review(value, 'https://kubernetes.default.svc')).status.authenticated ?? false, false);
    await stopPod('hello');
    await until(
      'the token to be worth nothing',
      async () => {
        const { status: later } = await review(value, 'https://a.example');
        return !later.authenticated;
      },
      { everyMs: 200 },
    );
  });

  it('is verified by gateways with keys that they find', async () => {
    const { issuer, keys } = await clusterSource(server.client).fetch();
    deepEqual([issuer, keys.length > 0], ['https://kubernetes.default.svc', true]);
  });

  it('gets no token for a pod that is gone, or for the account of another', async () => {
    const first = await run('twice', 'worker');
    await stopPod('twice');
    await rejects(requestToken(server.client, first, 'a'), { code: 'KUBE_NOT_FOUND' });
    const second = await run('twice', 'worker');
    await rejects(requestToken(server.client, first, 'a'), { code: 'KUBE_CONFLICT' });
    const thief = { ...second, spec: { ...second.spec, serviceAccountName: 'other' } } as Pod;
    await rejects(requestToken(server.client, thief, 'a'), /cannot bind token/);
    await stopPod('twice');
  });

  /** The API server wants to be asked for exactly this type. */
  async function publishedKeys(): Promise<JsonWebKey[]> {
    const { server: origin, dispatcher } = server.connection;
    const headers = { accept: 'application/jwk-set+json' };
    const answer = await dispatcher.request({ origin, path: '/openid/v1/jwks', method: 'GET', headers });
    return ((await answer.body.json()) as { keys: JsonWebKey[] }).keys;
  }
});
