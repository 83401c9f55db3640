import assert from 'node:assert/strict';
import { SERVING } from '../apis/labels.ts';
import { IDLE_CPU_ANNOTATION } from '../apis/serving/revision/idleCpu.ts';
import { REVISIONS } from '../apis/serving/revision/types.ts';
import { DEPLOYMENTS, type Deployment, PODS, type Pod } from '../kube/core.ts';
import type { KubeObject, ResourceType } from '../kube/types.ts';
import type { ApiServer } from '../testing/apiServer.ts';
import { giveBackApiServer, takeApiServer } from '../testing/sharedApiServer.ts';
import { until } from '../testing/until.ts';
import { FakeGateway } from './testing/gateway.ts';
import { DEPLOYMENT, deployment, KEY, REF, revision } from './testing/objects.ts';
import { runAutoscaler } from './testing/run.ts';
import { MINUTE } from './testing/simulation.ts';

const APP = {
  name: 'app',
  image: 'app',
  resources: { limits: { cpu: '1', memory: '256Mi' }, requests: { cpu: '100m', memory: '64Mi' } },
};

describe('Autoscaler on a real API server', () => {
  let server: ApiServer;
  let gateway: FakeGateway;
  let stop: AbortController;
  let running: Promise<unknown> | undefined;
  let ahead: number;
  const now = () => Date.now() + ahead;

  const apply = <T extends KubeObject>(type: ResourceType<T>, object: T, subresource?: 'status') =>
    server.client.apply<T>(type, object, { fieldManager: 'test', subresource });

  before(async () => {
    server = await takeApiServer(REF.namespace, 'homerun-system');
  });

  after(() => giveBackApiServer(server));

  beforeEach(async () => {
    ahead = 0;
    running = undefined;
    stop = new AbortController();
    gateway = await FakeGateway.listen();
    gateway.now = now;
    const { status, ...seen } = gateway.pod('gateway-1');
    const own = { ...seen, metadata: { ...seen.metadata, uid: undefined } };
    await apply(PODS, {
      ...own,
      spec: { containers: [{ name: 'gateway', image: 'gateway' }] },
    } as typeof seen);
    await apply(
      PODS,
      {
        ...own,
        status: { phase: 'Running', podIP: gateway.address, podIPs: [{ ip: gateway.address }] },
      } as typeof seen,
      'status',
    );
  });

  afterEach(async () => {
    stop.abort();
    await running;
    await server.client.delete(DEPLOYMENTS, DEPLOYMENT);
    await gateway.close();
  });

  const replicas = async () => (await server.client.get(DEPLOYMENTS, DEPLOYMENT))?.spec?.replicas;
  const setScale = (body: object) =>
    server.client.mergePatch<Deployment>(DEPLOYMENTS, DEPLOYMENT, body, {
      subresource: 'scale',
      fieldManager: 'test',
    });

  async function putRevision(instances: number): Promise<void> {
    const { status, ...given } = revision();
    // The API server gives each object its UID.
    const made = { ...given, metadata: { ...given.metadata, uid: undefined } };
    await apply(REVISIONS, made as typeof made & KubeObject);
    await apply(REVISIONS, { ...made, status } as typeof made & KubeObject, 'status');
    const { status: _, ...wanted } = deployment(instances);
    const { template } = wanted.spec ?? assert.fail();
    const spec = { ...template.spec, containers: [APP] };
    const sized = { ...wanted, spec: { ...wanted.spec, template: { ...template, spec } } };
    await server.client.create(DEPLOYMENTS, sized as Deployment);
  }

  /** An instance that is ready, as the kubelet would say. @returns the CPU that it requests now. */
  async function putInstance(name: string): Promise<() => Promise<unknown>> {
    const { uid = '' } = (await server.client.get(REVISIONS, REF))?.metadata ?? {};
    const labels = { [SERVING.revision]: REF.name, [SERVING.revisionUID]: uid };
    const ref = { name, namespace: REF.namespace };
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { ...ref, labels }, spec: { containers: [APP] } };
    await server.client.create(PODS, pod as unknown as Pod);
    const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: new Date().toISOString() }];
    const status = { phase: 'Running', conditions };
    await server.client.mergePatch(PODS, ref, { status }, { subresource: 'status' });
    return async () =>
      (await server.client.get<Pod>(PODS, ref))?.spec?.containers[0]?.resources?.requests?.cpu;
  }

  it('raises, lowers and sleeps', async () => {
    await putRevision(1);
    gateway.tell(KEY, { requests: 300, inFlight: 300 });
    running = runAutoscaler({ client: server.client, gatewayPort: gateway.port, signal: stop.signal, now });
    await until('four instances', async () => (await replicas()) === 4);
    gateway.tell(KEY, { inFlight: 0 });
    await until('the end of the requests is seen', () => gateway.asked > 20);
    await gateway.beforeAnswer(() => {
      ahead += 16 * MINUTE;
    });
    await until('no instance', async () => (await replicas()) === 0);
  });

  it('lowers the CPU request of an idle instance, and restores it when a request is seen', async () => {
    await putRevision(1);
    const requested = await putInstance('idle');
    const { client } = server;
    const options = { client, gatewayPort: gateway.port, signal: stop.signal, now, idleCpuResize: true };
    running = runAutoscaler(options);
    await until('the revision is seen', () => gateway.asked > 20);
    assert.equal(await requested(), '100m');
    await gateway.beforeAnswer(() => {
      ahead += 2 * MINUTE;
    });
    await until('the request is lowered', async () => (await requested()) === '1m');
    gateway.tell(KEY, { requests: 1, inFlight: 1, instances: { idle: 1 } });
    await until('the request is restored', async () => (await requested()) === '100m');
    const { metadata, spec } = (await client.get<Pod>(PODS, { ...REF, name: 'idle' })) ?? {};
    const { resources } = spec?.containers[0] ?? {};
    assert.deepEqual(resources, APP.resources, 'nothing else has changed');
    assert.equal(metadata?.annotations?.[IDLE_CPU_ANNOTATION], '{"app":"100m"}');
  });

  it('cannot undo a change that it has not seen', async () => {
    await putRevision(1);
    const seen = (await server.client.get(DEPLOYMENTS, DEPLOYMENT))?.metadata.resourceVersion;
    const woken = await setScale({ spec: { replicas: 2 } });
    await assert.rejects(setScale({ metadata: { resourceVersion: seen }, spec: { replicas: 0 } }), {
      code: 'KUBE_CONFLICT',
    });
    assert.equal(await replicas(), 2);
    const live = await server.client.get(DEPLOYMENTS, DEPLOYMENT);
    assert.equal(
      woken.metadata.resourceVersion,
      live?.metadata.resourceVersion,
      "the Scale's version is the Deployment's",
    );
    await setScale({ metadata: { resourceVersion: woken.metadata.resourceVersion }, spec: { replicas: 0 } });
    assert.equal(await replicas(), 0);
  });
});
