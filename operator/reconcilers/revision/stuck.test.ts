import assert from 'node:assert/strict';
import { KIND_TYPES } from '../../apis/kinds.ts';
import { SERVING } from '../../apis/labels.ts';
import { deploymentName } from '../../apis/names.ts';
import { REVISIONS, type Revision } from '../../apis/serving/revision/types.ts';
import { DEPLOYMENTS, type Deployment, EVENTS, type KubeEvent, PODS, type Pod } from '../../kube/core.ts';
import { FakeApiServer } from '../../testing/fakeApiServer.ts';
import { reconciled } from '../../testing/reconciled.ts';
import { PINNED, pod, revision } from '../../testing/serving.ts';
import { ServingProcess } from '../../testing/servingProcess.ts';
import { until } from '../../testing/until.ts';

const NAME = 'hello-00001-abc';
const PREPARING: Pod['status'] = {
  phase: 'Pending',
  conditions: [
    { type: 'PodScheduled', status: 'True' },
    { type: 'PodReadyToStartContainers', status: 'False' },
  ],
};

describe('an instance that its node does not start, beside one that runs', () => {
  let server: FakeApiServer;
  let process: ServingProcess;

  beforeEach(async () => {
    server = await FakeApiServer.start({
      types: KIND_TYPES,
    });
    const made = revision(NAME, { ready: 'True', spec: { containers: [{ image: PINNED }] } });
    server.put({
      ...made,
      status: {
        conditions: [...(made.status?.conditions ?? []), { type: 'ContainerHealthy', status: 'True' }],
      },
    } as Revision);
    process = new ServingProcess(server);
    const ref = { namespace: 'demo', name: deploymentName(NAME) };
    const deployment = await until('its Deployment', () => server.get<Deployment>(DEPLOYMENTS, ref));
    const status = { replicas: 2, readyReplicas: 1 };
    server.put({ ...deployment, spec: { ...deployment.spec, replicas: 2 }, status } as Deployment);
  });

  afterEach(async () => {
    await process.stop();
    await server.close();
  });

  /** A pod that was made ten minutes ago, and is in preparation since. */
  function putPod(name: string, annotations = {}): void {
    const { metadata: { uid = '' } = {} } =
      server.get<Revision>(REVISIONS, { namespace: 'demo', name: NAME }) ?? {};
    const labels = { [SERVING.revision]: NAME, [SERVING.revisionUID]: uid };
    const creationTimestamp = new Date(Date.now() - 600_000).toISOString();
    const metadata = { name, namespace: 'demo', uid: name, labels, annotations, creationTimestamp };
    const waiting = { state: { waiting: { reason: 'ContainerCreating' } } };
    server.put({ ...pod(waiting, PREPARING), metadata } as Pod);
  }

  it('is replaced when no Event says why', async () => {
    putPod('unexplained');
    await until('the pod to be deleted', () => !server.get(PODS, { namespace: 'demo', name: 'unexplained' }));
  });

  it('stays when its volumes cannot be mounted: another one could mount them no better', async () => {
    server.put({
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { namespace: 'demo', name: 'mount' },
      involvedObject: { kind: 'Pod', namespace: 'demo', name: 'unmountable', uid: 'unmountable' },
      reason: 'FailedMount',
      message: 'secret "cert" not found',
      lastTimestamp: new Date().toISOString(),
    } as unknown as KubeEvent);
    putPod('unmountable');
    await until('the Events to be read', () => {
      return server.requests.some(({ path }) => path.endsWith(`/${EVENTS.plural}`));
    });
    // Of two more looks the second one has begun after the answer.
    for (let look = 0; look < 2; look++) {
      const before = await reconciled('revision');
      putPod('unmountable', { look: String(look) });
      await until('another look', async () => (await reconciled('revision')) > before);
    }
    assert.ok(server.get(PODS, { namespace: 'demo', name: 'unmountable' }));
  });
});
