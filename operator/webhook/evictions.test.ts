import assert from 'node:assert/strict';
import { Agent, request } from 'undici';
import { SERVING } from '../apis/labels.ts';
import { REVISIONS } from '../apis/serving/revision/types.ts';
import { EVICTION_REQUESTED } from '../autoscaler/evictions.ts';
import { pod, REF, revision } from '../autoscaler/testing/objects.ts';
import { PODS, SECRETS } from '../kube/core.ts';
import { FakeApiServer } from '../testing/fakeApiServer.ts';
import { freePort } from '../testing/freePort.ts';
import { until } from '../testing/until.ts';
import { CONFIGURATION_TYPES, EVICTION_WEBHOOK, type WebhookConfiguration } from './certificates/caBundle.ts';
import { TOKEN_LIFE_MS, TOKENS_KEY, tokensOf } from './certificates/evictionTokens.ts';
import { PROPAGATION_MS } from './certificates/rotation.ts';
import { SECRET_NAME } from './certificates/secret.ts';
import { type Replica, ready, SYSTEM, startReplica } from './testing/installation.ts';

const [MUTATING, VALIDATING] = CONFIGURATION_TYPES;
const CONFIGURATION = { name: 'homerun-webhook' };
const SECRET = { namespace: SYSTEM, name: SECRET_NAME };
const POD = { namespace: REF.namespace, name: 'busy' };

describe('reviews of evictions', () => {
  let server: FakeApiServer;
  let replicas: Replica[];
  let agent: Agent;
  let ahead: number;

  beforeEach(async () => {
    ahead = 0;
    server = await FakeApiServer.start({ types: [REVISIONS, ...CONFIGURATION_TYPES] });
    server.put(revision());
    const labels = { [SERVING.revision]: REF.name, [SERVING.revisionUID]: revision().metadata.uid ?? '' };
    server.put({ ...pod('busy'), metadata: { ...POD, labels }, status: { phase: 'Running' } });
    await chart();
    replicas = [await start()];
    agent = new Agent({ connect: { rejectUnauthorized: false } });
  });
  afterEach(async () => {
    await agent.destroy();
    await Promise.all(replicas.map((replica) => replica.stop()));
    await server.close();
  });

  async function start(): Promise<Replica> {
    const replica = await startReplica(server, { port: await freePort(), now: () => Date.now() + ahead });
    await ready(replica);
    return replica;
  }

  /** The chart's configurations as server-side apply writes them, with this path for evictions or with none. */
  async function chart(path?: string): Promise<void> {
    const service = { name: 'homerun-webhook', namespace: SYSTEM };
    const hook = (name: string, path?: string) => ({
      name: `${name}.homerun.dev`,
      clientConfig: { service: { ...service, ...(path ? { path } : {}) } },
    });
    const webhooks = [[hook('default', '/default')], [hook('validate', '/validate'), hook('evict', path)]];
    for (const [i, { apiVersion, kind }] of CONFIGURATION_TYPES.entries()) {
      const object = { apiVersion, kind, metadata: CONFIGURATION, webhooks: webhooks[i] };
      await server.client.apply(CONFIGURATION_TYPES[i] ?? MUTATING, object, { fieldManager: 'helm' });
    }
  }

  const configuration = () =>
    server.get<WebhookConfiguration>(VALIDATING, CONFIGURATION) as WebhookConfiguration;
  const hooks = () => configuration().webhooks ?? [];
  const named = () => hooks().find(({ name }) => name === EVICTION_WEBHOOK)?.clientConfig.service?.path;
  const tokens = () => tokensOf(server.get(SECRETS, SECRET));
  /** Has all replicas look again. */
  const wake = () =>
    server.client.mergePatch(SECRETS, SECRET, { metadata: { labels: { at: String(ahead) } } });
  const isMarked = () => server.get(PODS, POD)?.metadata.annotations?.[EVICTION_REQUESTED] !== undefined;

  /** Reviews the eviction of the instance as an API server, or anyone, may ask for. */
  async function review(path: string, { port } = replicas[0] as Replica) {
    const kind = { group: 'policy', version: 'v1', kind: 'Eviction' };
    const { statusCode, body } = await request(`https://127.0.0.1:${port}${path}`, {
      dispatcher: agent,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        apiVersion: 'admission.k8s.io/v1',
        kind: 'AdmissionReview',
        request: { uid: 'u', kind, operation: 'CREATE', ...POD, userInfo: { username: 'system:admin' } },
      }),
    });
    return { statusCode, body: await body.json() };
  }

  const GUESSES = ['/evict', '/evict/', '/', '/evict/evict', `/evict/${'0'.repeat(64)}`, '/evict/%00'];
  it('mark nothing when they are forged by somebody who only reaches the port', async () => {
    for (const guess of GUESSES) {
      assert.equal((await review(guess)).statusCode, 404, guess);
      assert.equal(isMarked(), false, guess);
    }
  });

  it('mark the instance at the path that the configuration names', async () => {
    assert.equal((await review(named() ?? '')).statusCode, 200);
    assert.ok(isMarked());
  });

  it('are answered by a new replica from the moment when it is ready', async () => {
    replicas.push(await start());
    for (const replica of replicas) assert.equal((await review(named() ?? '', replica)).statusCode, 200);
  });

  it('are answered by all replicas at the old and at the new path while the token is replaced', async () => {
    replicas.push(await start());
    const old = named() ?? '';
    ahead = TOKEN_LIFE_MS;
    await wake();
    await until('there is a new token', () => tokens().length === 2);
    const next = `/evict/${tokens()[0]?.token}`;
    const accepted = async (path: string) =>
      (await Promise.all(replicas.map((replica) => review(path, replica)))).every(
        ({ statusCode }) => statusCode === 200,
      );
    await until('all replicas have read it', () => accepted(next));
    assert.equal(named(), old, 'a replica might not have read it');
    ahead += PROPAGATION_MS;
    await wake();
    await until('it is named', () => named() === next);
    assert.ok(await accepted(old), 'an API server may not have read the configuration');
  });

  it('have a path of their own again after somebody has taken Secret, token or path away', async () => {
    const harm: (() => Promise<unknown>)[] = [
      () => server.client.delete(SECRETS, SECRET),
      () => server.client.mergePatch(SECRETS, SECRET, { data: { [TOKENS_KEY]: null } }),
      () => server.client.mergePatch(SECRETS, SECRET, { data: { [TOKENS_KEY]: 'eHl6' } }),
    ];
    for (const doHarm of harm) {
      const old = named();
      await doHarm();
      await until('another path is named', () => named() !== old);
      await until('it is answered', async () => (await review(named() ?? '')).statusCode === 200);
      assert.equal((await review(old ?? '')).statusCode, 404, 'whoever has seen the old one knows nothing');
    }
    const path = named();
    const live = configuration();
    delete live.webhooks?.[1]?.clientConfig.service?.path;
    server.put(live);
    await until('the path is back', () => named() === path);
  });

  describe('over an upgrade from a chart with the path /evict', () => {
    beforeEach(async () => {
      await replicas.pop()?.stop();
      server.remove(VALIDATING, CONFIGURATION);
      server.remove(SECRETS, SECRET);
      await chart('/evict');
      replicas = [await start()];
      await until('there is a token', () => tokens().length === 1);
    });

    /** Answers come after everything that the replica had to do before. */
    const settled = async () => {
      const { caBundle } = hooks()[0]?.clientConfig ?? {};
      server.put({
        ...configuration(),
        webhooks: hooks().map((hook) => ({ ...hook, clientConfig: { ...hook.clientConfig, caBundle: '' } })),
      });
      await until('the replica has seen it', () => hooks()[0]?.clientConfig.caBundle === caBundle);
    };

    it('are left to the old replicas until the chart gives the path up', async () => {
      await settled();
      assert.equal(named(), '/evict');
      assert.equal((await review('/evict')).statusCode, 404);
      assert.equal(isMarked(), false);
      await chart();
      await until('the secret path is named', () => named() !== undefined);
      assert.equal((await review(named() ?? '')).statusCode, 200);
    });

    it('and are theirs again after a rollback, until the next upgrade', async () => {
      await chart();
      const path = await until('the secret path is named', named);
      await chart('/evict');
      await settled();
      assert.equal(named(), '/evict');
      await chart();
      await until('the same secret path is named', () => named() === path);
    });
  });
});
