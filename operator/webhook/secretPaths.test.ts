import assert from 'node:assert/strict';
import { SECRETS } from '../kube/core.ts';
import { Rejection } from '../testing/fakeApiServer.ts';
import { until } from '../testing/until.ts';
import { CONFIGURATIONS, type WebhookConfiguration } from './certificates/caBundle.ts';
import { SECRET_PATHS, TOKEN_LIFE_MS, tokensKey } from './certificates/pathTokens.ts';
import { PROPAGATION_MS } from './certificates/rotation.ts';
import { FakeInstallation, SECRET } from './testing/fakeInstallation.ts';
import { objectOf, requestFor } from './testing/requests.ts';

const APP = requestFor(objectOf('spec: {template: {spec: {containers: [{image: app}]}}}'));

for (const path of SECRET_PATHS) {
  describe(`reviews at /${path}`, () => {
    let made: FakeInstallation;

    beforeEach(async () => {
      made = await FakeInstallation.make();
      await made.start();
    });
    afterEach(() => made.close());

    const named = () => made.named(path) ?? '';
    const status = async (at: string, replica = made.replicas[0]) =>
      (await made.review(at, APP, replica)).statusCode;

    const GUESSES = ['', '/', `/${path}`, `/${'0'.repeat(64)}`, '/%00'];
    it('are answered at the path that the configuration names, and at no other', async () => {
      assert.equal(await status(named()), 200);
      for (const guess of GUESSES) assert.equal(await status(`/${path}${guess}`), 404, guess);
      for (const other of SECRET_PATHS.filter((each) => each !== path)) {
        const stolen = named().replace(path, other);
        assert.equal(await status(stolen), 404, 'a path has tokens of its own');
      }
    });

    it('are answered by a new replica from the moment when it is ready', async () => {
      await made.start();
      for (const replica of made.replicas) assert.equal(await status(named(), replica), 200);
    });

    it('are answered by all replicas at the old and at the new path while the token is replaced', async () => {
      await made.start();
      const old = named();
      made.ahead = TOKEN_LIFE_MS;
      await made.wake();
      await until('there is a new token', () => made.tokens(path).length === 2);
      const next = `/${path}/${made.tokens(path)[0]?.token}`;
      const accepted = async (at: string) =>
        (await Promise.all(made.replicas.map((replica) => status(at, replica)))).every(
          (code) => code === 200,
        );
      await until('all replicas have read it', () => accepted(next));
      assert.equal(named(), old, 'a replica might not have read it');
      made.ahead += PROPAGATION_MS;
      await made.wake();
      await until('it is named', () => named() === next);
      assert.ok(await accepted(old), 'an API server may not have read the configuration');
    });

    it('have a path of their own again after somebody has taken Secret, token or path away', async () => {
      const { client } = made.server;
      const key = tokensKey(path);
      const harm: (() => Promise<unknown>)[] = [
        () => client.delete(SECRETS, SECRET),
        () => client.mergePatch(SECRETS, SECRET, { data: { [key]: null } }),
        () => client.mergePatch(SECRETS, SECRET, { data: { [key]: 'eHl6' } }),
      ];
      for (const doHarm of harm) {
        const old = named();
        await doHarm();
        await until('another path is named', () => named() !== old);
        await until('it is answered', async () => (await status(named())) === 200);
        assert.equal(await status(old), 404, 'whoever has seen the old one knows nothing');
      }
      const before = named();
      takePathAway();
      await until('the path is back', () => named() === before);
    });

    function takePathAway(): void {
      const { live } = made.configurationOf(path);
      for (const { name, clientConfig } of live.webhooks ?? []) {
        if (name === `${path}.homerun.dev`) delete clientConfig.service?.path;
      }
      made.server.put(live);
    }

    it('keep a replica from being ready while they have no path', async () => {
      const { name, type } = made.configurationOf(path);
      const isWrite = (request: { method: string; path: string }) =>
        request.method === 'PATCH' && request.path.endsWith(`/${type.plural}/${name}`);
      made.server.failNext(new Rejection(500, 'InternalError', 'not now'), isWrite, Number.POSITIVE_INFINITY);
      takePathAway();
      const [replica] = made.replicas;
      await until('it says so', () =>
        replica?.unready()?.endsWith(`${name} has no path for ${path}.homerun.dev yet`),
      );
    });
  });
}

describe('the webhook with a new chart', () => {
  it('can be asked to look up before anything is admitted', async () => {
    const made = await FakeInstallation.make();
    made.server.requests = [];
    await made.start();
    const writes = made.server.writes.filter(({ path }) =>
      CONFIGURATIONS.some(({ type }) => path.includes(type.plural)),
    );
    const [first] = writes;
    await made.close();
    // A replica that has not seen its own write yet repeats it.
    const written = new Set(writes.map(({ path }) => path.split('/').slice(-2).join('/')));
    assert.deepEqual(
      [...written],
      CONFIGURATIONS.map(({ type, name }) => `${type.plural}/${name}`),
    );
    const hook = (first?.body as WebhookConfiguration | undefined)?.webhooks?.[0];
    assert.ok(hook?.clientConfig.caBundle && hook.clientConfig.service?.path, 'in one write');
  });
});

describe('the webhook with a chart from before the lookups', () => {
  let made: FakeInstallation;
  beforeEach(async () => {
    made = await FakeInstallation.make();
  });
  afterEach(() => made.close());

  it('is ready without their configuration, and registers it when the next upgrade brings it', async () => {
    for (const { type, name, optional } of CONFIGURATIONS) if (optional) made.server.remove(type, { name });
    await made.start();
    await made.chart();
    const path = await until('the secret path is named', () => made.named('lookup'));
    assert.equal((await made.review(path, APP)).statusCode, 200);
  });
});
