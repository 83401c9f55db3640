import assert from 'node:assert/strict';
import { SERVING } from '../../apis/labels.ts';
import { deploymentName } from '../../apis/names.ts';
import { REVISIONS, type Revision } from '../../apis/serving/revision/types.ts';
import { type Config, parseConfig } from '../../config.ts';
import { DEPLOYMENTS, type Deployment } from '../../kube/core.ts';
import type { KubeObject, ResourceType } from '../../kube/types.ts';
import type { ApiServer } from '../../testing/apiServer.ts';
import { reconciled } from '../../testing/reconciled.ts';
import { PINNED, revision } from '../../testing/serving.ts';
import { ServingProcess } from '../../testing/servingProcess.ts';
import { giveBackApiServer, takeApiServer } from '../../testing/sharedApiServer.ts';
import { until } from '../../testing/until.ts';
import { TEMPLATE_HASH } from './podTemplate.ts';

const NAMESPACE = 'demo';
const NAME = 'hello-00001-abc';
const REF = { namespace: NAMESPACE, name: deploymentName(NAME) };
const REPLICA_SETS: ResourceType<KubeObject & { spec?: { replicas?: number } }> = {
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  plural: 'replicasets',
  namespaced: true,
};
const CHANGED = { cpuRequestFraction: 0.5 };

describe("a running revision on a real API server, with Kubernetes' own controllers", () => {
  let server: ApiServer;
  let process: ServingProcess | undefined;

  before(async () => {
    server = await takeApiServer(NAMESPACE);
    server.startControllers('deployment-controller', 'replicaset-controller');
    const { metadata, ...made } = revision(NAME, { ready: 'True' });
    const { labels } = metadata;
    const stored = await server.client.create<Revision>(REVISIONS, {
      ...made,
      metadata: { name: NAME, namespace: NAMESPACE, labels },
    });
    const containerStatuses = stored.spec.containers.map(({ name }) => ({ name, imageDigest: PINNED }));
    const status = { conditions: made.status?.conditions, containerStatuses };
    const body = { apiVersion: made.apiVersion, kind: made.kind, metadata: stored.metadata, status };
    await server.client.mergePatch(REVISIONS, stored.metadata, body, { subresource: 'status' });
    await run({});
    await scale(2);
  });

  after(async () => {
    await process?.stop();
    await giveBackApiServer(server);
  });

  const live = async () => (await server.client.get<Deployment>(DEPLOYMENTS, REF)) as Deployment;
  const requestNow = async () =>
    (await live()).spec?.template.spec?.containers[0]?.resources?.requests?.cpu ?? '';
  const replicaSets = async () =>
    (await server.client.list(REPLICA_SETS, { namespace: NAMESPACE })).items.map(
      ({ metadata }) => metadata.name,
    );

  /** Starts the controller again with this configuration, and waits until it has looked. */
  async function run(instance: Partial<Config['instance']>): Promise<void> {
    await process?.stop();
    const before = await reconciled('revision');
    process = new ServingProcess(server, undefined, parseConfig({ instance }));
    await until(
      'a look',
      async () => (await reconciled('revision')) > before && server.client.get(DEPLOYMENTS, REF),
    );
  }

  async function scale(replicas: number): Promise<void> {
    await server.client.mergePatch(DEPLOYMENTS, REF, { spec: { replicas } }, { subresource: 'scale' });
    await until('the cluster to have seen it', async () => {
      const { metadata, status } = await live();
      return status?.observedGeneration === metadata.generation && (status?.replicas ?? 0) === replicas;
    });
  }

  it('is not touched by another configuration, nor by one after an upgrade', async () => {
    const [before, sets] = [await live(), await replicaSets()];
    await run(CHANGED);
    assert.equal((await live()).metadata.resourceVersion, before.metadata.resourceVersion);
    await server.client.mergePatch(DEPLOYMENTS, REF, {
      metadata: { annotations: { [TEMPLATE_HASH]: null } },
    });
    await run(CHANGED);
    assert.deepEqual((await live()).spec, before.spec);
    assert.deepEqual(await replicaSets(), sets);
    await run({});
  });

  it('gets labels that its revision got, while it keeps its pods', async () => {
    const sets = await replicaSets();
    await run(CHANGED);
    const labels = { 'example.com/team': 'blue' };
    await server.client.mergePatch(REVISIONS, { namespace: NAMESPACE, name: NAME }, { metadata: { labels } });
    const labelled = await until('the label', async () => {
      const found = await live();
      return found.metadata.labels?.['example.com/team'] === 'blue' && found;
    });
    assert.equal(labelled.metadata.labels?.[SERVING.revision], NAME);
    assert.equal(await requestNow(), '100m');
    assert.deepEqual(await replicaSets(), sets);
  });

  it('gets the new template without instances, all of it and nothing of the old one', async () => {
    await run(CHANGED);
    await scale(0);
    await until('the new template', async () => (await requestNow()) === '500m');
    const again = await live();
    assert.equal(again.spec?.template.metadata?.labels?.['example.com/team'], 'blue');
    await scale(1);
    await run(CHANGED);
    assert.equal((await live()).metadata.generation, (again.metadata.generation ?? 0) + 1, 'only the scale');
  });

  it('is restarted into the new template by a person who asks for it', async () => {
    await run({ cpuRequestFraction: 0.25 });
    assert.equal(await requestNow(), '500m');
    const annotations = { 'kubectl.kubernetes.io/restartedAt': new Date().toISOString() };
    const body = { spec: { template: { metadata: { annotations } } } };
    await server.client.request('PATCH', `/apis/apps/v1/namespaces/${NAMESPACE}/deployments/${REF.name}`, {
      body,
      contentType: 'application/strategic-merge-patch+json',
    });
    await until('the new template', async () => (await requestNow()) === '250m');
  });
});
