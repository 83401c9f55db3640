import assert from 'node:assert/strict';
import { SERVING } from '../../apis/labels.ts';
import { BOOST_ANNOTATION } from '../../apis/serving/revision/boost.ts';
import { capabilitiesOf } from '../../kube/capabilities.ts';
import { NAMESPACES, PODS, type Pod } from '../../kube/core.ts';
import { Informer } from '../../kube/informer.ts';
import type { ApiServer } from '../../testing/apiServer.ts';
import { giveBackApiServer, takeApiServer } from '../../testing/sharedApiServer.ts';
import { silent, until } from '../../testing/until.ts';
import { boostController } from './reconciler.ts';

const NAMESPACE = 'demo';

describe('the startup CPU boost on a real API server', () => {
  let server: ApiServer;
  const stop = new AbortController();
  let running: Promise<unknown> | undefined;

  before(async () => {
    server = await takeApiServer();
    const { client } = server;
    await client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
    const pods = new Informer<Pod>({ client, log: silent, type: PODS });
    const now = () => Date.now() + 60_000;
    const controller = boostController({ client, informers: { pods }, now, log: silent });
    running = Promise.all([pods.run(stop.signal), controller.run(stop.signal)]);
  });

  after(async () => {
    stop.abort();
    await running;
    await giveBackApiServer(server);
  });

  const resources = (cpu: string, requested: string) => ({
    limits: { cpu, memory: '256Mi', 'ephemeral-storage': '320Mi' },
    requests: { cpu: requested, memory: '256Mi', 'ephemeral-storage': '0' },
  });

  /** A pod that is ready, as the kubelet would say. */
  async function readyPod(name: string, own: object, side: object, boosts: object): Promise<void> {
    const annotations = { [BOOST_ANNOTATION]: JSON.stringify(boosts) };
    const metadata = { name, namespace: NAMESPACE, annotations, labels: { [SERVING.revision]: 'hello' } };
    const image = 'registry.example/app:1';
    const first = { name: 'first', image, restartPolicy: 'Always', resources: side };
    await server.client.create(PODS, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata,
      spec: { initContainers: [first], containers: [{ name: 'app', image, resources: own }] },
    } as unknown as Pod);
    const lastTransitionTime = new Date().toISOString();
    const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime }];
    await server.client.mergePatch(PODS, metadata, { status: { conditions } }, { subresource: 'status' });
  }

  const podNow = (name: string) => server.client.get<Pod>(PODS, { namespace: NAMESPACE, name });

  it('can be seen from what the API server lists', async () => {
    assert.deepEqual(await capabilitiesOf(server.client, { log: silent, signal: stop.signal }), {
      resizesPods: true,
    });
  });

  it('is taken back in place, in sidecars too, and nothing else changes', async () => {
    await readyPod('burst', resources('2', '20m'), resources('2', '20m'), { app: '1', first: '500m' });
    const pod = await until('the limit to be lowered', async () => {
      const found = await podNow('burst');
      return found?.spec?.containers[0]?.resources?.limits?.cpu === '1' && found;
    });
    assert.deepEqual(pod.spec?.containers[0]?.resources, resources('1', '20m'));
    assert.deepEqual(pod.spec?.initContainers?.[0]?.resources, resources('500m', '20m'));
  });

  it('is taken back from limit and request where a pod must stay in the class Guaranteed', async () => {
    await readyPod('even', resources('2', '2'), resources('2', '2'), { app: '1', first: '1' });
    const pod = await until('the limit to be lowered', async () => {
      const found = await podNow('even');
      return found?.spec?.containers[0]?.resources?.limits?.cpu === '1' && found;
    });
    assert.deepEqual(pod.spec?.containers[0]?.resources, resources('1', '1'));
    assert.equal(pod.status?.qosClass, 'Guaranteed');
  });
});
