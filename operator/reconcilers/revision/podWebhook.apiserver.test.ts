import assert from 'node:assert/strict';
import { conditionOf } from '../../apis/condition.ts';
import { deploymentName } from '../../apis/names.ts';
import { REVISIONS, type Revision } from '../../apis/serving/revision/types.ts';
import { ROUTES } from '../../apis/serving/route/types.ts';
import { SERVICES, type Service } from '../../apis/serving/service/types.ts';
import { DEPLOYMENTS, PODS, type Pod } from '../../kube/core.ts';
import type { KubeObject } from '../../kube/types.ts';
import type { ApiServer } from '../../testing/apiServer.ts';
import { PINNED, service } from '../../testing/serving.ts';
import { ServingProcess } from '../../testing/servingProcess.ts';
import { giveBackApiServer, takeApiServer } from '../../testing/sharedApiServer.ts';
import { until } from '../../testing/until.ts';
import { CONFIGURATION_TYPES } from '../../webhook/certificates/caBundle.ts';

const namespace = 'demo';
const REF = { namespace, name: 'hello' };
const [MUTATING] = CONFIGURATION_TYPES;

/** Of another owner, for every new pod, and nothing answers for it (knative/serving#14660). */
const WEBHOOK = {
  apiVersion: MUTATING.apiVersion,
  kind: MUTATING.kind,
  metadata: { name: 'down' },
  webhooks: [
    {
      name: 'pods.down.example',
      clientConfig: { service: { namespace: 'none', name: 'none' } },
      rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
      failurePolicy: 'Fail',
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
    },
  ],
};

const PROBE = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'probe' },
  spec: { containers: [{ name: 'a', image: PINNED }] },
};

describe("a webhook for pods that is down, on a real API server with Kubernetes' own controllers", function () {
  this.timeout(300_000);
  let server: ApiServer;
  let process: ServingProcess | undefined;
  let first = '';

  before(async () => {
    server = await takeApiServer(namespace);
    server.startControllers('deployment-controller', 'replicaset-controller');
    process = new ServingProcess(server);
    await apply();
    await until('it to be ready', async () => (await readyPods()) === 1 && (await serviceReady()));
    first = (await server.client.get(SERVICES, REF))?.status?.latestReadyRevisionName ?? '';
    await scale(first, 2);
    await until('two instances', async () => (await readyPods()) === 2);
  });

  after(async () => {
    await process?.stop();
    await giveBackApiServer(server);
  });

  function apply(timeoutSeconds = 300): Promise<Service> {
    const { metadata: _, ...rest } = service('hello', {
      spec: { containers: [{ image: PINNED }], timeoutSeconds },
    });
    return server.client.apply(SERVICES, { ...rest, metadata: REF }, { fieldManager: 'person' });
  }

  const scale = (revision: string, replicas: number) => {
    const ref = { namespace, name: deploymentName(revision) };
    return server.client.mergePatch(DEPLOYMENTS, ref, { spec: { replicas } }, { subresource: 'scale' });
  };

  const serviceReady = async () => {
    const { metadata, status } = (await server.client.get(SERVICES, REF)) ?? {};
    if (status?.observedGeneration !== metadata?.generation) return false;
    return conditionOf(status?.conditions, 'Ready')?.status === 'True';
  };

  const revision = (name: string) => server.client.get<Revision>(REVISIONS, { namespace, name });

  /** Plays the kubelet. @returns how many instances of a revision, or of all, are ready. */
  async function readyPods(of = ''): Promise<number> {
    const { items } = await server.client.list<Pod>(PODS, { namespace });
    const at = new Date().toISOString();
    for (const { metadata, spec, status } of items) {
      if (status?.phase === 'Running') continue;
      const containerStatuses = spec?.containers.map(({ name, image }) => ({
        ...{ name, image, imageID: '', restartCount: 0, ready: true, started: true },
        state: { running: { startedAt: at } },
      }));
      const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: at }];
      const body = { status: { phase: 'Running', conditions, containerStatuses } };
      await server.client.mergePatch(PODS, metadata, body, { subresource: 'status' });
    }
    return items.filter(({ metadata, status }) => status?.phase === 'Running' && metadata.name.startsWith(of))
      .length;
  }

  it('takes nothing from a revision that is ready, and all heals by itself when it is gone', async () => {
    await server.client.create<KubeObject>(MUTATING, WEBHOOK as KubeObject);
    const body = { ...PROBE, metadata: { ...PROBE.metadata, namespace } };
    await until('pods to be rejected', () =>
      server.client.request('POST', `/api/v1/namespaces/${namespace}/pods?dryRun=All`, { body }).then(
        () => false,
        () => true,
      ),
    );
    const { items } = await server.client.list<Pod>(PODS, { namespace });
    await server.client.delete(PODS, items[0]?.metadata ?? assert.fail());
    await until('the rejection to be seen', async () => {
      const { status } =
        (await server.client.get(DEPLOYMENTS, { namespace, name: deploymentName(first) })) ?? {};
      return status?.conditions?.some(({ type }) => type === 'ReplicaFailure');
    });
    await apply(60);
    const second = await until('the new revision to say why it cannot start', async () => {
      const name = (await server.client.get(SERVICES, REF))?.status?.latestCreatedRevisionName ?? '';
      const ready = conditionOf((await revision(name))?.status?.conditions, 'Ready');
      return (
        name !== first && /failed calling webhook "pods\.down\.example"/.test(ready?.message ?? '') && name
      );
    });
    const conditions = (await revision(first))?.status?.conditions;
    assert.equal(conditionOf(conditions, 'Ready')?.status, 'True');
    assert.equal(conditionOf(conditions, 'Active')?.status, 'True');
    const traffic = async () => (await server.client.get(ROUTES, REF))?.status?.traffic?.[0]?.revisionName;
    assert.equal(await traffic(), first);
    assert.equal(await readyPods(), 1, 'the one that runs');
    await server.client.delete(MUTATING, { name: WEBHOOK.metadata.name });
    await until('two instances again', async () => (await readyPods(first)) === 2, { timeoutMs: 90_000 });
    await until(
      'the new revision to serve',
      async () => (await readyPods(second)) === 1 && (await serviceReady()),
      {
        timeoutMs: 90_000,
      },
    );
    assert.equal(await traffic(), second);
  });
});
