import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CONFIG_MAPS, PODS } from '../../kube/core.ts';
import { CONTACT, contactOf, SOURCE_AUDIENCE } from '../../source/contact.ts';
import { fetchSource } from '../../source/fetch.ts';
import { tarGz } from '../../source/testing/archives.ts';
import { until } from '../../testing/until.ts';
import { SYSTEM } from '../../webhook/testing/installation.ts';
import { NAMESPACE, REGION, tokenOf, useApi } from '../testing/installation.ts';
import { FileStore } from './fileStore.ts';

const BUCKET = `run-sources-${NAMESPACE}-${REGION}`;

describe('sources of instances on a real API server', function () {
  this.timeout(120_000);
  const installation = useApi();
  const content = tarGz({ name: 'main.js', content: 'x' });
  let root: string;
  let api: (typeof installation)['api'];
  let object: { bucket: string; name: string; generation: string };
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'instances-'));
    const folder = join(root, 'store');
    api = await installation.start({ host: '', storage: { folder } });
    const bytes = (async function* () {
      yield content;
    })();
    const store = new FileStore(folder, { objectBytes: 1 << 20, bucketBytes: 1 << 20 });
    object = await store.put({ bucket: BUCKET, name: 'services/a/1.tar.gz', contentType: '' }, bytes);
  });
  after(async () => {
    await api?.stop();
    await rm(root, { recursive: true });
  });

  /** What an instance reads, at the port of this test. */
  async function contact() {
    const ref = { namespace: SYSTEM, name: CONTACT };
    const map = await until('the contact', () => installation.client.get(CONFIG_MAPS, ref));
    return { ...contactOf(map), address: `https://127.0.0.1:${api.port}` };
  }

  async function fetched(token: string): Promise<Buffer> {
    await writeFile(join(root, 'token'), token);
    const into = join(root, 'archive');
    await fetchSource(object, await contact(), { token: join(root, 'token'), into, most: 1 << 20 });
    return readFile(into);
  }

  it('are told where the Admin API is, by the rights that the chart gives it', async () => {
    const map = await until('the contact', () =>
      installation.client.get(CONFIG_MAPS, { namespace: SYSTEM, name: CONTACT }),
    );
    const { address, serverName, authorities } = contactOf(map);
    deepEqual([address, serverName], [`https://homerun-api.${SYSTEM}.svc:443`, `homerun-api.${SYSTEM}.svc`]);
    equal(authorities, installation.authority);
  });

  it('are given to a pod by its own token, as long as it is there, and to no other token', async () => {
    const { client } = installation;
    const made = await client.create(PODS, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'hello-1', namespace: NAMESPACE },
      spec: { serviceAccountName: 'viewer', containers: [{ name: 'a', image: 'a' }] },
    });
    const { name, uid } = made.metadata;
    const boundObjectRef = { kind: 'Pod', apiVersion: 'v1', name, uid };
    const token = await tokenOf(installation, 'viewer', { audiences: [SOURCE_AUDIENCE], boundObjectRef });
    deepEqual(await fetched(token), content);

    const others = {
      'one of no pod': { audiences: [SOURCE_AUDIENCE] },
      'one for the API server': { boundObjectRef },
      'one for somebody else': { audiences: ['vault'], boundObjectRef },
    };
    for (const [what, spec] of Object.entries(others)) {
      const other = await tokenOf(installation, 'viewer', spec);
      await rejects(fetched(other), /is not that of an instance/, what);
    }
    await client.delete(PODS, { namespace: NAMESPACE, name }, { uid });
    const isRefused = () =>
      fetched(token).then(
        () => false,
        (error: Error) => /not that of an instance/.test(error.message),
      );
    ok(await until('the token ends with the pod', isRefused));
  });
});
