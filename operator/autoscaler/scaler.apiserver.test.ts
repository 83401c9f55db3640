import assert from 'node:assert/strict';
import { REVISIONS } from '../apis/serving/revision/types.ts';
import { DEPLOYMENTS, type Deployment, PODS } from '../kube/core.ts';
import type { KubeObject, ResourceType } from '../kube/types.ts';
import { ApiServer } from '../testing/apiServer.ts';
import { installKinds } from '../testing/installKinds.ts';
import { until } from '../testing/until.ts';
import { FakeGateway } from './testing/gateway.ts';
import { DEPLOYMENT, deployment, KEY, REF, revision } from './testing/objects.ts';
import { runAutoscaler } from './testing/run.ts';
import { MINUTE } from './testing/simulation.ts';

describe('Autoscaler on a real API server', function () {
  this.timeout(60_000);
  let server: ApiServer;
  let gateway: FakeGateway;
  let stop: AbortController;
  let running: Promise<unknown> | undefined;
  let ahead: number;
  const now = () => Date.now() + ahead;

  const apply = <T extends KubeObject>(type: ResourceType<T>, object: T, subresource?: 'status') =>
    server.client.apply<T>(type, object, { fieldManager: 'test', subresource });

  before(async () => {
    server = await ApiServer.start();
    await installKinds(server, REF.namespace, 'homerun-system');
  });

  after(() => server?.stop());

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
    await server.client.create(DEPLOYMENTS, wanted as Deployment);
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
