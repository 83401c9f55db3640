import assert from 'node:assert/strict';
import { conditionOf } from '../apis/condition.ts';
import { SERVICES, type Service } from '../apis/serving/service/types.ts';
import { DEPLOYMENTS, type Deployment } from '../kube/core.ts';
import { markApplied } from '../kube/plan.ts';
import type { ApiServer } from '../testing/apiServer.ts';
import { PINNED, service } from '../testing/serving.ts';
import { ServingProcess } from '../testing/servingProcess.ts';
import { giveBackApiServer, takeApiServer } from '../testing/sharedApiServer.ts';
import { until } from '../testing/until.ts';

const COUNT = 50;
/** On a machine that does other things at the same time; the benchmark `50-services-at-zero` holds it to 5 s. */
const MOST_MS = 60_000;

describe('services with an initial scale of 0 on a real API server', function () {
  this.timeout(300_000);
  let server: ApiServer;
  let process: ServingProcess;

  before(async () => {
    server = await takeApiServer('demo');
    server.startControllers('deployment-controller', 'replicaset-controller');
    process = new ServingProcess(server);
  });

  after(async () => {
    await process?.stop();
    await giveBackApiServer(server);
  });

  const deployments = async () => (await server.client.list<Deployment>(DEPLOYMENTS)).items;

  it(`${COUNT} at once are ready within ${MOST_MS / 1000} s`, async () => {
    const annotations = { 'autoscaling.knative.dev/initial-scale': '0' };
    const changes = { spec: { containers: [{ image: PINNED }] }, metadata: { annotations } };
    const isReady = ({ status }: Service) => conditionOf(status?.conditions, 'Ready')?.status === 'True';
    const start = performance.now();
    const names = Array.from({ length: COUNT }, (_, index) => `many-${index}`);
    await Promise.all(
      names.map((name) => {
        const { metadata: _, ...made } = service(name, changes);
        return server.client.create(SERVICES, {
          ...made,
          metadata: { name, namespace: 'demo' },
        } as Service);
      }),
    );
    const all = async () => (await server.client.list<Service>(SERVICES)).items.every(isReady);
    await until('all are ready', all, { timeoutMs: 2 * MOST_MS, everyMs: 100 });
    const ms = performance.now() - start;
    assert.ok(ms < MOST_MS, `${Math.round(ms)} ms`);
    assert.ok((await deployments()).every(({ spec }) => spec?.replicas === 0));
  });

  it('an apply that comes later leaves the number to those who scale', async () => {
    const [made] = await deployments();
    assert.ok(made);
    const { apiVersion, kind, metadata, spec } = made;
    const { replicas: _, ...kept } = spec ?? {};
    const { namespace, name } = metadata;
    const later = markApplied({
      apiVersion,
      kind,
      metadata: { namespace, name, labels: { ...metadata.labels, later: 'yes' } },
      spec: kept,
    } as Deployment);
    const stored = await server.client.apply<Deployment>(DEPLOYMENTS, later, {
      fieldManager: 'homerun-revision',
    });
    assert.equal(stored.metadata.labels?.later, 'yes');
    assert.equal(stored.spec?.replicas, 0);
  });
});
