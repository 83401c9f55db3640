import assert from 'node:assert/strict';
import { REVISIONS } from '../../../operator/apis/serving/revision/types.ts';
import { SERVICES } from '../../../operator/apis/serving/service/types.ts';
import type { KubeClient } from '../../../operator/kube/client.ts';
import { PODS } from '../../../operator/kube/core.ts';
import { podsOfRole, withReplicas } from '../../lib/roles.ts';
import { HELLO_IMAGE } from '../../lib/services.ts';
import { useGcloud } from '../person.ts';

const DEPLOYS = 20;

async function killOne(client: KubeClient): Promise<void> {
  const [victim] = await podsOfRole(client, 'api');
  assert.ok(victim);
  await client.delete(PODS, victim.metadata, { gracePeriodSeconds: 0 });
}

/** Its eighty commands take minutes of a processor, so it is not a part of `make test`. */
describe('two replicas of the Admin API, one of which is killed', function () {
  this.timeout(900_000);
  const suite = useGcloud('e2e-gcloud-kill');

  /** Runs commands, and kills a replica when a quarter of them has ended. Gives what failed. */
  async function runAll(commands: readonly string[]): Promise<string[]> {
    const { client, gcloud } = suite;
    const failed: string[] = [];
    for (const [index, command] of commands.entries()) {
      const killed = index === Math.round(commands.length / 4) ? killOne(client) : undefined;
      const { code, text } = await gcloud.run(command.split(' '));
      if (code !== 0) failed.push(`${command}: ${text}`);
      await killed;
    }
    return failed;
  }

  for (const how of ['--async', '']) {
    const what = how === '' ? 'waiting' : 'async';
    it(`${DEPLOYS} new services and ${DEPLOYS} changes of them, ${what}: no command fails, and nothing is made twice`, async () => {
      const { client, namespace } = suite;
      const names = Array.from({ length: DEPLOYS }, (_, index) => `${what}-${index}`);
      const deploy = (name: string, version: string) =>
        `run deploy ${name} --image=${HELLO_IMAGE} --no-allow-unauthenticated --update-env-vars=VERSION=${version} ${how}`.trim();
      await withReplicas(client, 'api', 2, async () => {
        assert.deepEqual(await runAll(names.map((name) => deploy(name, 'one'))), []);
        assert.deepEqual(await runAll(names.map((name) => deploy(name, 'two'))), []);
      });
      const ours = <T extends { metadata: { name: string } }>(all: T[]) =>
        all.filter(({ metadata }) => metadata.name.startsWith(what));
      assert.equal(ours((await client.list(SERVICES, { namespace })).items).length, DEPLOYS);
      assert.equal(ours((await client.list(REVISIONS, { namespace })).items).length, 2 * DEPLOYS);
    });
  }
});
