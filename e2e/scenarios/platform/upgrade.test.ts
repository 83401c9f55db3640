import assert from 'node:assert/strict';
import { DEPLOYMENTS, type Deployment, type Pod } from '../../../operator/kube/core.ts';
import { allPodsOf, podsOf, serviceReady } from '../../lib/cluster.ts';
import { constantLoad } from '../../lib/load.ts';
import { podsOfPool, readyPool } from '../../lib/pools.ts';
import { podsOfRole, roleReplaced } from '../../lib/roles.ts';
import { readyService } from '../../lib/services.ts';
import { useSuite } from '../../lib/suite.ts';
import { changeValues } from '../../lib/upgrade.ts';
import { until } from '../../lib/wait.ts';

const IDLE = 'autoscaling.knative.dev/scale-to-zero-pod-retention-period';
/** Share of its CPU limit that a pod requests, in e2e/values.yaml and in this upgrade. */
const [PRESENT, CHANGED] = [0.02, 0.03];
/** What a service of the test program requests then: it may use one core. */
const REQUESTED = '30m';

describe('an upgrade of the chart that changes what pods look like', function () {
  this.timeout(300_000);
  const suite = useSuite('e2e-upgrade');

  const upgrade = (cpuRequestFraction: number, maxRollOuts: number) =>
    changeValues({ instance: { cpuRequestFraction, maxRollOuts } });

  after(() => upgrade(PRESENT, 0));

  async function deploymentsOf(service: string): Promise<Deployment[]> {
    const { client, namespace } = suite;
    const labelSelector = `serving.knative.dev/service=${service}`;
    return (await client.list(DEPLOYMENTS, { namespace, labelSelector })).items as Deployment[];
  }
  const requestOf = (deployment: Deployment | undefined) =>
    deployment?.spec?.template.spec?.containers[0]?.resources?.requests?.cpu;
  const uids = (pods: readonly Pod[]) => pods.map(({ metadata }) => metadata.uid).sort();

  it('restarts no instance and fails no request; pods get it when they next start from zero', async () => {
    const { client, visitor, namespace } = suite;
    const annotations = { [IDLE]: '600s', 'autoscaling.knative.dev/minScale': '2' };
    const { url } = await readyService(client, namespace, 'kept', { annotations });
    await readyPool(client, namespace, 'workers', { count: 2 });
    const asleep = await readyService(client, namespace, 'asleep', { annotations: { [IDLE]: '2s' } });
    await until('no instances', async () => (await allPodsOf(client, namespace, 'asleep')).length === 0);
    await until('two instances', async () => (await podsOf(client, namespace, 'kept')).length === 2);
    const [before, workers] = [
      uids(await podsOf(client, namespace, 'kept')),
      uids(await podsOfPool(client, namespace, 'workers')),
    ];
    const stop = new AbortController();
    const load = constantLoad(visitor, url, 50, stop.signal);
    const old = await podsOfRole(client, 'controller');
    await upgrade(CHANGED, 0);
    await roleReplaced(client, 'controller', old);
    await until('what has no instances to be rewritten', async () => {
      const [deployment] = await deploymentsOf('asleep');
      return requestOf(deployment) === REQUESTED;
    });
    stop.abort();
    const { sent, failures } = await load;
    assert.deepEqual(failures, []);
    assert.ok(sent > 100, `only ${sent} requests were sent`);
    assert.deepEqual(uids(await allPodsOf(client, namespace, 'kept')), before);
    assert.deepEqual(uids(await podsOfPool(client, namespace, 'workers')), workers);
    assert.equal((await visitor.ask(asleep.status?.url ?? '')).status, 200);
    const [pod] = await podsOf(client, namespace, 'asleep');
    assert.equal(pod?.spec?.containers[0]?.resources?.requests?.cpu, REQUESTED);
  });

  it('replaces instances one revision at a time where that is asked for, and fails no request', async () => {
    const { client, visitor, namespace } = suite;
    const all = async () => [
      ...(await allPodsOf(client, namespace, 'kept')),
      ...(await podsOfPool(client, namespace, 'workers')),
    ];
    const before = uids(await all());
    const { status } = await serviceReady(client, namespace, 'kept');
    const stop = new AbortController();
    const load = constantLoad(visitor, status?.url ?? '', 20, stop.signal);
    await upgrade(CHANGED, 1);
    await until('all instances to be of the new template', async () => {
      const pods = await all();
      return pods.length === 4 && pods.every(({ metadata }) => !before.includes(metadata.uid));
    });
    stop.abort();
    assert.deepEqual((await load).failures, []);
  });
});
