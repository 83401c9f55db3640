import assert from 'node:assert/strict';
import { CORE_SERVICES } from '../../../operator/kube/core.ts';
import { kubectl, podsOf, revisionsOf, SYSTEM_NAMESPACE, serviceReady } from '../../lib/cluster.ts';
import { constantLoad } from '../../lib/load.ts';
import { tagImage } from '../../lib/registry.ts';
import { killRole, podsOfRole, roleReplaced } from '../../lib/roles.ts';
import { applyService, helloService, readyService } from '../../lib/services.ts';
import { useSuite } from '../../lib/suite.ts';
import { until } from '../../lib/wait.ts';

const IDLE = 'autoscaling.knative.dev/scale-to-zero-pod-retention-period';

describe('when something breaks', function () {
  this.timeout(300_000);
  const suite = useSuite('e2e-resilience');

  it('gateways that are replaced while a revision is rolled out lose no request of 500 a second', async () => {
    const { client, visitor, namespace } = suite;
    const { url } = await readyService(client, namespace, 'steady', { env: { TARGET: 'old' } });
    const before = await podsOfRole(client, 'gateway');
    const stop = new AbortController();
    const load = constantLoad(visitor, url, 500, stop.signal);
    await kubectl(['rollout', 'restart', 'deployment/homerun-gateway', '-n', SYSTEM_NAMESPACE]);
    await applyService(client, helloService(namespace, 'steady', { env: { TARGET: 'new' } }));
    await serviceReady(client, namespace, 'steady');
    await roleReplaced(client, 'gateway', before);
    stop.abort();
    const { sent, failures, bodies } = await load;
    assert.deepEqual(failures, []);
    assert.ok(sent > 1000, `only ${sent} requests were sent`);
    assert.equal(bodies.size, 2, 'both revisions answered');
  });

  it('a controller killed in the middle of an apply finishes it when it is back, and restarts no instance', async () => {
    const { client, visitor, namespace } = suite;
    const { url } = await readyService(client, namespace, 'before', { annotations: { [IDLE]: '300s' } });
    const [running] = await podsOf(client, namespace, 'before');
    await applyService(client, helloService(namespace, 'during'));
    const killed = await killRole(client, 'controller');
    assert.equal((await visitor.ask(url)).status, 200);
    await serviceReady(client, namespace, 'during');
    assert.equal((await revisionsOf(client, namespace, 'during')).length, 1);
    const [still] = await podsOf(client, namespace, 'before');
    assert.equal(still?.metadata.uid, running?.metadata.uid);
    await roleReplaced(client, 'controller', killed);
  });

  it('an instance that dies in the middle of a request costs that request, and answers again when it is back', async () => {
    const { client, visitor, namespace } = suite;
    const { url } = await readyService(client, namespace, 'mortal', { annotations: { [IDLE]: '300s' } });
    const lost = await visitor.ask(`${url}/exit?code=1`);
    assert.equal(lost.status, 500);
    await until('the container to be started again', async () => {
      const [pod] = await podsOf(client, namespace, 'mortal');
      return (pod?.status?.containerStatuses?.[0]?.restartCount ?? 0) > 0;
    });
    const next = await visitor.ask(url);
    assert.equal(next.status, 200);
  });

  it('instances start from the digest even when the tag has moved and the registry is down', async () => {
    const { client, visitor, namespace } = suite;
    const image = await tagImage('hello:1', 'hello:moving');
    const { url } = await readyService(client, namespace, 'pinned', {
      image,
      annotations: { [IDLE]: '2s' },
    });
    const [revision] = await revisionsOf(client, namespace, 'pinned');
    await tagImage('hello:2', 'hello:moving');
    await until('no instances', async () => (await podsOf(client, namespace, 'pinned')).length === 0);
    const registry = { namespace: 'kube-system', name: 'registry' };
    const select = (app: string) =>
      client.mergePatch(CORE_SERVICES, registry, { spec: { selector: { app } } });
    await select('none');
    try {
      assert.equal((await visitor.ask(url)).status, 200);
      const [pod] = await podsOf(client, namespace, 'pinned');
      assert.equal(pod?.spec?.containers[0]?.image, revision?.status?.imageDigest);
    } finally {
      await select('registry');
    }
  });
});
