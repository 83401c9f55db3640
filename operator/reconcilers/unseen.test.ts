import assert from 'node:assert/strict';
import { CONFIG_MAPS, type ConfigMap } from '../kube/core.ts';
import { Store } from '../kube/store.ts';
import { configMap } from '../testing/builders.ts';
import { FakeApiServer } from '../testing/fakeApiServer.ts';
import { unseen } from './unseen.ts';

describe('unseen', () => {
  let server: FakeApiServer;
  beforeEach(async () => {
    server = await FakeApiServer.start();
  });
  afterEach(() => server.close());

  it('asks for one whose name an earlier one has in the store', async () => {
    const store = new Store<ConfigMap>();
    store.upsert(configMap('same', 'earlier'));
    server.put(configMap('same', 'later'));
    const isMeant = ({ data }: ConfigMap) => data?.value === 'later';
    const [found] = await unseen(['ns/same'], store, CONFIG_MAPS, server.client, isMeant);
    assert.equal(found?.data?.value, 'later');
  });

  it('asks for what the store lacks, and for nothing else', async () => {
    const store = new Store<ConfigMap>();
    store.upsert(server.put(configMap('seen', '1')));
    server.put(configMap('late', '1'));
    const found = await unseen(['ns/seen', 'ns/late', 'ns/none'], store, CONFIG_MAPS, server.client);
    assert.deepEqual(
      found.map(({ metadata }) => metadata.name),
      ['late'],
    );
    const asked = server.requests.map(({ path }) => path.split('/').at(-1));
    assert.deepEqual(asked.sort(), ['late', 'none']);
  });
});
