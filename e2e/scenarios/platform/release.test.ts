import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DEPLOYMENTS, type Pod } from '../../../operator/kube/core.ts';
import { allPodsOf, podsOf, SYSTEM_NAMESPACE, serviceReady } from '../../lib/cluster.ts';
import { ROOT } from '../../lib/git.ts';
import { constantLoad } from '../../lib/load.ts';
import { podsOfPool, readyPool } from '../../lib/pools.ts';
import { podProcess } from '../../lib/processes.ts';
import { buildRelease, previousRelease, type Release } from '../../lib/release.ts';
import { areReady, leader, leaderless, podsOfRole, roleReplaced } from '../../lib/roles.ts';
import { readyService } from '../../lib/services.ts';
import { useSuite } from '../../lib/suite.ts';
import { until } from '../../lib/wait.ts';

const run = promisify(execFile);
const commit = previousRelease();
if (!commit)
  console.log('the history of the chart is not there: the upgrade from the release before is left out');
const ROLES = ['controller', 'webhook', 'gateway', 'api'] as const;
const PER_SECOND = 200;

if (commit) {
  describe('the release before this one, two replicas of each role', function () {
    this.timeout(600_000);
    const suite = useSuite('e2e-release');
    let present: Release;
    let previous: Release;

    async function install({ folder, digest }: Release, replicas: number): Promise<void> {
      const scaled = ['controller', 'gateway', 'metadata', 'api'].flatMap((role) => [
        '--set',
        `${role}.replicas=${replicas}`,
      ]);
      await run('helm', [
        ...['upgrade', 'homerun', join(folder, 'charts/homerun'), '--namespace', SYSTEM_NAMESPACE],
        ...['--reset-values', '--values', join(folder, 'e2e/values.yaml'), '--set', `image.digest=${digest}`],
        ...[...scaled, '--wait', '--timeout', '5m'],
      ]);
    }

    /** Installs a release under load: neither may it cost a request, nor may what runs be started again. */
    async function installUnderLoad(release: Release): Promise<void> {
      const { client, visitor, namespace } = suite;
      const pods = async () => [
        ...(await allPodsOf(client, namespace, 'kept')),
        ...(await podsOfPool(client, namespace, 'workers')),
      ];
      const { status } = await serviceReady(client, namespace, 'kept');
      const before = uids(await pods());
      const roles = await Promise.all(ROLES.map((role) => podsOfRole(client, role)));
      const stop = new AbortController();
      const load = constantLoad(visitor, status?.url ?? '', PER_SECOND, stop.signal);
      await install(release, 2);
      for (const [index, role] of ROLES.entries()) await roleReplaced(client, role, roles[index] ?? []);
      stop.abort();
      const { sent, failures } = await load;
      assert.deepEqual(failures, []);
      assert.ok(sent > 5 * PER_SECOND, `only ${sent} requests were sent`);
      assert.deepEqual(uids(await pods()), before);
      await serviceReady(client, namespace, 'kept');
    }

    before(async () => {
      const ref = { namespace: SYSTEM_NAMESPACE, name: 'homerun-controller' };
      const image = (await suite.client.get(DEPLOYMENTS, ref))?.spec?.template.spec?.containers[0]?.image;
      present = { folder: ROOT, digest: image?.split('@')[1] ?? '' };
      [previous] = await Promise.all([buildRelease(commit), install(present, 2)]);
    });
    after(async () => {
      await install(present, 1);
      await rm(previous.folder, { recursive: true });
    });

    it(`is gone back to under ${PER_SECOND} requests a second: none fails, and no instance is started again`, async () => {
      const { client, namespace } = suite;
      const annotations = { 'autoscaling.knative.dev/minScale': '2' };
      await readyService(client, namespace, 'kept', { annotations });
      await readyPool(client, namespace, 'workers', { count: 2 });
      await until('two instances', async () => (await podsOf(client, namespace, 'kept')).length === 2);
      await installUnderLoad(previous);
    });

    it('is upgraded to this one in the same way', () => installUnderLoad(present));

    it('has another leader within five seconds when the controller that leads is killed', async () => {
      const { client } = suite;
      const name = await until('a leader', () => leader(client));
      const pid = await until(`the process of ${name}`, () => podProcess(name));
      process.kill(pid, 'SIGKILL');
      const ms = await leaderless(client, Date.now());
      assert.ok(ms < 5_000, `${ms} ms`);
      await until('both controllers', () => areReady(client, 'controller', 2));
    });
  });
}

function uids(pods: readonly Pod[]): string[] {
  return pods.map(({ metadata }) => metadata.uid ?? '').sort();
}
