import assert from 'node:assert/strict';
import { AFFINITY_SECRET, affinityKeyOf } from '../../gateway/control/affinityKey.ts';
import { SECRETS, type Secret } from '../../kube/core.ts';
import { FakeApiServer, isWrite } from '../../testing/fakeApiServer.ts';
import { reconciled } from '../../testing/reconciled.ts';
import { ServingProcess } from '../../testing/servingProcess.ts';
import { until } from '../../testing/until.ts';
import { affinityKeyController } from './reconciler.ts';

const REF = { namespace: 'homerun-system', name: AFFINITY_SECRET };

describe('the key of affinity cookies', () => {
  let server: FakeApiServer;
  let process: ServingProcess;

  beforeEach(async () => {
    server = await FakeApiServer.start();
  });

  afterEach(async () => {
    await process.stop();
    await server.close();
  });

  const secret = () => server.get<Secret>(SECRETS, REF);
  const given = (data: Record<string, string> | undefined): Secret => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { ...REF, labels: { team: 'a' } },
    data,
  });
  const start = () => {
    process = new ServingProcess(server, [affinityKeyController]);
  };
  const key = (unlike?: Buffer) =>
    until('a key', () => {
      const found = affinityKeyOf(secret());
      return found && !(unlike && found.equals(unlike)) ? found : undefined;
    });

  it('is made when there is none, and made again when its Secret is deleted', async () => {
    start();
    const first = await key();
    assert.equal(first.length, 32);
    assert.deepEqual(secret()?.metadata.labels, { 'app.kubernetes.io/name': 'homerun' });
    await server.client.delete(SECRETS, REF);
    await key(first);
  });

  it('stays as it is, also when a person has set it', async () => {
    const own = Buffer.alloc(48, 'x').toString('base64');
    server.put(given({ key: own }));
    const before = await reconciled('affinity-key');
    start();
    await until('it is looked at', async () => (await reconciled('affinity-key')) > before);
    assert.equal(secret()?.data?.key, own);
    assert.deepEqual(server.requests.filter(isWrite), []);
  });

  const useless: Record<string, Record<string, string> | undefined> = {
    'a Secret without data': undefined,
    'an empty key': { key: '' },
    'a short key': { key: 'c2hvcnQ=' },
    'no base64': { key: '%%%' },
  };
  for (const [what, data] of Object.entries(useless)) {
    it(`replaces ${what}, and keeps the rest of the Secret`, async () => {
      server.put(given(data && { ...data, other: 'eA==' }));
      start();
      await key();
      assert.deepEqual(secret()?.metadata.labels, { team: 'a' });
      if (data) assert.equal(secret()?.data?.other, 'eA==');
    });
  }
});
