import assert from 'node:assert/strict';
import { deploymentName } from '../../operator/apis/names.ts';
import { DEPLOYMENTS, type Pod } from '../../operator/kube/core.ts';
import { podsOf, revisionsOf } from '../lib/cluster.ts';
import { CONTRACT_IMAGES, readyService } from '../lib/services.ts';
import { useSuite } from '../lib/suite.ts';
import { until } from '../lib/wait.ts';

const BOOST = { 'run.googleapis.com/startup-cpu-boost': 'True', 'autoscaling.knative.dev/minScale': '1' };

describe('the startup CPU boost', function () {
  this.timeout(300_000);
  const suite = useSuite('e2e-boost');

  /** The cores that the kernel lets the program use, as it sees that itself. */
  async function cpus(url: string): Promise<number> {
    const { status, body } = await suite.visitor.ask(`${url}/cpu`);
    assert.equal(status, 200, body);
    return JSON.parse(body).cpus;
  }

  async function onlyPod(name: string): Promise<Pod> {
    const pods = await podsOf(suite.client, suite.namespace, name);
    assert.equal(pods.length, 1);
    return pods[0] as Pod;
  }

  async function rollsOf(name: string): Promise<number | undefined> {
    const [revision] = await revisionsOf(suite.client, suite.namespace, name);
    const ref = { namespace: suite.namespace, name: deploymentName(revision?.metadata.name ?? '') };
    return (await suite.client.get(DEPLOYMENTS, ref))?.metadata.generation;
  }

  it('gives a starting instance more CPU, and takes it back without a restart', async () => {
    const { client, namespace } = suite;
    const { url } = await readyService(client, namespace, 'boosted', {
      image: CONTRACT_IMAGES.go,
      annotations: BOOST,
    });
    assert.equal(await cpus(url), 2);
    const before = await onlyPod('boosted');
    const rolls = await rollsOf('boosted');
    await until('the boost to end', async () => (await cpus(url)) === 1);
    const after = await onlyPod('boosted');
    assert.equal(after.metadata.uid, before.metadata.uid);
    assert.equal(after.status?.containerStatuses?.[0]?.restartCount, 0);
    assert.equal(await rollsOf('boosted'), rolls);
    const ready = after.status?.conditions?.find(({ type }) => type === 'Ready');
    const held = Date.now() - Date.parse(ready?.lastTransitionTime ?? '');
    assert.ok(held >= 9_000, `it lasted ${held} ms after the start; ten seconds are promised`);
  });

  it('is not given to a service that does not ask for it', async () => {
    const { client, namespace } = suite;
    const { url } = await readyService(client, namespace, 'plain', { image: CONTRACT_IMAGES.go });
    assert.equal(await cpus(url), 1);
    assert.deepEqual((await onlyPod('plain')).metadata.annotations ?? {}, {});
  });
});
