import assert from 'node:assert/strict';
import type { Pod } from '../../operator/kube/core.ts';
import { podsOf } from '../lib/cluster.ts';
import { CONTRACT_IMAGES, readyService } from '../lib/services.ts';
import { useSuite } from '../lib/suite.ts';
import { until } from '../lib/wait.ts';

const ALWAYS_ONE = { 'autoscaling.knative.dev/minScale': '1' };

describe('the CPU of an idle instance', function () {
  this.timeout(300_000);
  const suite = useSuite('e2e-idle-cpu');

  async function onlyPod(name: string): Promise<Pod> {
    const pods = await podsOf(suite.client, suite.namespace, name);
    assert.equal(pods.length, 1);
    return pods[0] as Pod;
  }

  /** What the kubelet has given its container, and not what its specification asks for. */
  const given = ({ status }: Pod) => status?.containerStatuses?.[0]?.resources?.requests?.cpu;

  it('is given back after a minute, and is there again with the next request, without a restart', async () => {
    const { client, namespace, visitor } = suite;
    const image = CONTRACT_IMAGES.go;
    const { url } = await readyService(client, namespace, 'idle', { image, annotations: ALWAYS_ONE });
    const always = { ...ALWAYS_ONE, 'run.googleapis.com/cpu-throttling': 'false' };
    await readyService(client, namespace, 'always', { image, annotations: always });
    const before = await onlyPod('idle');
    const regular = given(before);
    assert.notEqual(regular, '1m');
    await until('it to be given back', async () => given(await onlyPod('idle')) === '1m');
    assert.equal(given(await onlyPod('always')), regular, 'it is to have its CPU always');
    assert.equal((await visitor.ask(url ?? '')).status, 200);
    await until('it to be there again', async () => given(await onlyPod('idle')) === regular);
    const after = await onlyPod('idle');
    assert.equal(after.metadata.uid, before.metadata.uid);
    assert.equal(after.status?.containerStatuses?.[0]?.restartCount, 0);
  });
});
