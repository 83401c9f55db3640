import assert from 'node:assert/strict';
import type { Pod } from '../../operator/kube/core.ts';
import { podsOf } from '../lib/cluster.ts';
import { CONTRACT_IMAGES, readyService } from '../lib/services.ts';
import { useSuite } from '../lib/suite.ts';
import { until } from '../lib/wait.ts';

/** Enough for its weight to differ from that of 1m in every version of cgroups. */
const CONTAINER = { resources: { limits: { cpu: '1', memory: '256Mi' }, requests: { cpu: '200m' } } };
/** That of 1m: 2 in cgroup v1, 1 in v2. */
const LEAST_WEIGHT = 2;
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

  /** The weight beside other containers that the kernel gives it, as the program sees that itself while it responds. */
  async function weight(url: string | undefined): Promise<number> {
    const { status, body } = await suite.visitor.ask(`${url}/cpu`);
    assert.equal(status, 200, body);
    return JSON.parse(body).cpuWeight;
  }

  it('is given back after a minute, and is there again before the next request, without a restart', async () => {
    const { client, namespace } = suite;
    const image = CONTRACT_IMAGES.go;
    const { url } = await readyService(client, namespace, 'idle', {
      image,
      annotations: ALWAYS_ONE,
      container: CONTAINER,
    });
    const always = { ...ALWAYS_ONE, 'run.googleapis.com/cpu-throttling': 'false' };
    await readyService(client, namespace, 'always', { image, annotations: always, container: CONTAINER });
    const before = await onlyPod('idle');
    const regular = given(before);
    assert.notEqual(regular, '1m');
    const regularWeight = await weight(url);
    assert.ok(regularWeight > LEAST_WEIGHT, `its weight is ${regularWeight}`);
    await until('it to be given back', async () => given(await onlyPod('idle')) === '1m');
    assert.equal(given(await onlyPod('always')), regular, 'it is to have its CPU always');
    assert.equal(
      await weight(url),
      regularWeight,
      'the request reached the program before its CPU was there again',
    );
    const after = await onlyPod('idle');
    assert.equal(given(after), regular);
    assert.equal(after.metadata.uid, before.metadata.uid);
    assert.equal(after.status?.containerStatuses?.[0]?.restartCount, 0);
  });
});
