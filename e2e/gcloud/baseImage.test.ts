import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { conditionOf } from '../../operator/apis/condition.ts';
import { podsOf, revisionsOf } from '../lib/cluster.ts';
import { constantLoad } from '../lib/load.ts';
import { moveTag, tagImage } from '../lib/registry.ts';
import { until } from '../lib/wait.ts';
import { useGcloud } from './person.ts';

describe('a base image that gets another digest', function () {
  this.timeout(300_000);
  const suite = useGcloud('e2e-base-image');

  it('is put under the instances of a source, without another revision or a lost request', async () => {
    const { gcloud, client, namespace, visitor } = suite;
    const run = async (command: string): Promise<string> => {
      const { code, text } = await gcloud.run(command.split(' '));
      assert.equal(code, 0, text);
      return text.trim();
    };
    const base = await tagImage('contract-node:1', 'base:moving');
    const folder = join(gcloud.folder, 'source');
    mkdirSync(folder);
    const program = "require('node:http').createServer((_, response) => response.end('from source'))";
    writeFileSync(join(folder, 'main.js'), `${program}.listen(process.env.PORT);\n`);
    const command = '--command=/usr/bin/node --args=main.js --min-instances=1 --allow-unauthenticated';
    await run(`alpha run deploy files --source=${folder} --no-build --base-image=${base} ${command}`);
    const url = await run('run services describe files --format=value(status.url)');
    await until('it answers', async () => (await visitor.ask(url)).body === 'from source');

    const stop = new AbortController();
    const load = constantLoad(visitor, url, 20, stop.signal);
    const digest = await moveTag('base:moving');
    await until('nothing but instances on the new digest', async () => {
      const pods = await podsOf(client, namespace, 'files');
      return pods.length > 0 && pods.every(({ spec }) => spec?.containers[0]?.image?.endsWith(digest));
    });
    stop.abort();
    const { failures, bodies } = await load;
    assert.deepEqual(failures, []);
    assert.deepEqual([...bodies.keys()], ['from source']);
    const revisions = await revisionsOf(client, namespace, 'files');
    assert.equal(revisions.length, 1);
    const { status } = revisions[0] ?? {};
    assert.ok(status?.containerStatuses?.[0]?.imageDigest?.endsWith(digest));
    assert.equal(conditionOf(status?.conditions, 'BaseImageValidated')?.status, 'True');
  });
});
