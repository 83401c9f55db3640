import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileStore } from '../../operator/api/storage/fileStore.ts';
import { type Gcloud, gcloudFor } from '../../operator/api/testing/gcloud.ts';
import { gcloudTarget, NAMESPACE } from '../../operator/api/testing/installation.ts';
import { useReadyApi } from '../../operator/api/testing/readiness.ts';
import { RUN } from '../../operator/apis/annotations/run.ts';
import { SERVICES } from '../../operator/apis/serving/service/types.ts';
import { parseSource } from '../../operator/apis/sourceUrl.ts';
import { unpack } from '../../operator/source/unpack.ts';

const BASE_IMAGE = 'docker.io/library/node:24';

/** What gcloud uploads and deploys, at an Admin API whose controllers are played. */
describe('gcloud deploys a source without a build', function () {
  this.timeout(300_000);
  const installation = useReadyApi();
  let root: string;
  let api: (typeof installation)['api'];
  let gcloud: Gcloud;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'source-'));
    api = await installation.start({ storage: { folder: join(root, 'store') } });
    gcloud = gcloudFor({ ...gcloudTarget(installation), port: api.port });
  });
  after(async () => {
    gcloud?.remove();
    await api?.stop();
    await rm(root, { recursive: true });
  });

  const sizes = { 'in one request': 100, 'in several requests, beyond 5 MiB': 7 << 20 };
  for (const [name, size] of Object.entries(sizes)) {
    it(`that it uploads ${name}`, async () => {
      const folder = join(root, String(size));
      const content = randomBytes(size);
      await mkdir(folder);
      await writeFile(join(folder, 'main.js'), content);
      const flags = [
        '--no-build',
        `--base-image=${BASE_IMAGE}`,
        '--command=node',
        '--no-allow-unauthenticated',
      ];
      const { code, text } = await gcloud.run([
        'alpha',
        'run',
        'deploy',
        'hello',
        '--source',
        folder,
        ...flags,
      ]);
      equal(code, 0, text);
      match(text, /has been deployed and is serving 100 percent of traffic/);
      const service = await installation.client.get(SERVICES, { namespace: NAMESPACE, name: 'hello' });
      const { [RUN.sources]: sources = '{}', [RUN.baseImages]: images = '{}' } =
        service?.spec.template.metadata?.annotations ?? {};
      deepEqual(Object.values(JSON.parse(images)), [BASE_IMAGE]);
      deepEqual(await unpackedFrom(String(Object.values(JSON.parse(sources))[0])), content);
    });
  }

  async function unpackedFrom(url: string): Promise<Buffer> {
    const object = parseSource(url);
    ok(object, url);
    const store = new FileStore(join(root, 'store'), { objectBytes: 1, bucketBytes: 1 });
    const stored = await store.get(object);
    ok(stored);
    await writeFile(join(root, 'archive'), store.read(stored));
    await unpack(join(root, 'archive'), join(root, 'workspace'));
    return readFile(join(root, 'workspace/main.js'));
  }
});
