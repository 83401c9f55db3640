import assert from 'node:assert/strict';
import { RUN } from '../../operator/apis/labels.ts';
import { WORKER_POOLS, type WorkerPool } from '../../operator/apis/run/workerPool/types.ts';
import { REVISIONS } from '../../operator/apis/serving/revision/types.ts';
import { DEPLOYMENTS, type Deployment } from '../../operator/kube/core.ts';
import { type KubeObject, namespaced } from '../../operator/kube/types.ts';
import { revisionController } from '../../operator/reconcilers/revision/reconciler.ts';
import { workerPoolController } from '../../operator/reconcilers/workerPool/reconciler.ts';
import { PINNED } from '../../operator/testing/serving.ts';
import { ServingProcess } from '../../operator/testing/servingProcess.ts';
import { until } from '../../operator/testing/until.ts';
import { NAMESPACE, useInstallation } from '../../operator/webhook/testing/installation.ts';
import { toolFolder } from '../chart/helm.ts';
import { installKeda } from './definitions.ts';
import { type ScaledObject, scaledObject } from './examples.ts';
import { Keda } from './programs.ts';
import { Queue } from './queue.ts';

interface Autoscaler extends KubeObject {
  spec: { scaleTargetRef: object; minReplicas: number; maxReplicas: number };
}

const SCALED_OBJECTS = namespaced<ScaledObject>('keda.sh/v1alpha1', 'ScaledObject', 'scaledobjects');
const AUTOSCALERS = namespaced<Autoscaler>(
  'autoscaling/v2',
  'HorizontalPodAutoscaler',
  'horizontalpodautoscalers',
);
const REF = { namespace: NAMESPACE, name: 'consumer' };
const CONTROLLERS = [
  'deployment-controller',
  'replicaset-controller',
  'horizontal-pod-autoscaler-controller',
];

const example = scaledObject('prometheus');

/** The example of docs/worker-pools.md for a subscription of Pub/Sub, at once where KEDA and Kubernetes would wait. */
function exampleFor(queue: Queue): ScaledObject {
  const stabilizationWindowSeconds = 0;
  const policies = [{ type: 'Pods', value: 100, periodSeconds: 1 }];
  const rules = { stabilizationWindowSeconds, policies };
  const quick = { behavior: { scaleUp: rules, scaleDown: rules } };
  const [trigger] = example.spec.triggers;
  assert.ok(trigger);
  const { authenticationRef: _, ...open } = trigger;
  const triggers = [{ ...open, metadata: { ...open.metadata, serverAddress: queue.address } }];
  return {
    ...example,
    metadata: REF,
    spec: {
      ...example.spec,
      triggers,
      pollingInterval: 1,
      cooldownPeriod: 0,
      advanced: { horizontalPodAutoscalerConfig: quick },
    } as ScaledObject['spec'],
  };
}

describe("a worker pool, KEDA's operator and a real API server", function () {
  this.timeout(300_000);
  let keda: Keda;
  let queue: Queue;
  let reconcilers: ServingProcess;

  before(function () {
    this.timeout(1_800_000);
    toolFolder('keda');
  });
  // Before the API server ends, which is asked for below.
  after(async () => {
    await keda?.stop();
    queue?.stop();
    await reconcilers?.stop();
  });
  const cluster = useInstallation();

  before(async () => {
    await installKeda(cluster.server);
    cluster.server.startControllers(...CONTROLLERS);
    reconcilers = new ServingProcess(cluster, [workerPoolController, revisionController]);
    queue = await Queue.start();
    keda = await Keda.start(cluster.server);
    const annotations = { 'run.googleapis.com/manualInstanceCount': '0' };
    await cluster.client.apply(
      WORKER_POOLS,
      {
        apiVersion: WORKER_POOLS.apiVersion,
        kind: WORKER_POOLS.kind,
        metadata: { ...REF, annotations },
        spec: { template: { spec: { containers: [{ image: PINNED }] } } },
      } as WorkerPool,
      { fieldManager: 'kubectl' },
    );
    await cluster.client.create(SCALED_OBJECTS, exampleFor(queue));
  });

  /** Waits until the pool asks for so many instances, and Kubernetes has made them. */
  async function instances(count: number): Promise<void> {
    let seen = '';
    const reached = async () => {
      const pool = await cluster.client.get(WORKER_POOLS, REF);
      const { items } = await cluster.client.list<Deployment>(DEPLOYMENTS, {
        namespace: NAMESPACE,
        labelSelector: `${RUN.workerPool}=${REF.name}`,
      });
      const made = items.reduce((sum, { status }) => sum + (status?.replicas ?? 0), 0);
      seen = `${pool?.spec.manualInstanceCount} and ${made}`;
      return pool?.spec.manualInstanceCount === count && made === count;
    };
    await until(`${count} instances`, reached, { timeoutMs: 120_000, everyMs: 100 }).catch((error) => {
      throw new Error(`${error.message}; there are ${seen}\n${keda.log()}`);
    });
  }

  it('starts the first instance when there is a message', async () => {
    await instances(0);
    queue.length = 1;
    await instances(1);
    assert.deepEqual([...queue.queries], [example.spec.triggers[0]?.metadata.query]);
  });

  it('follows the length of the queue, within the bounds of the HorizontalPodAutoscaler that KEDA makes', async () => {
    const { items } = await cluster.client.list(AUTOSCALERS, { namespace: NAMESPACE });
    const { apiVersion, kind } = WORKER_POOLS;
    assert.deepEqual(
      items.map(({ spec: { scaleTargetRef, minReplicas, maxReplicas } }) => [
        scaleTargetRef,
        minReplicas,
        maxReplicas,
      ]),
      [[{ apiVersion, kind, name: REF.name }, 1, 20]],
    );
    for (const [length, count] of [
      [100, 5],
      [10_000, 20],
      [45, 3],
    ] as const) {
      queue.length = length;
      await instances(count);
    }
  });

  it('stops all instances when the queue is empty, and starts one of the same revision again', async () => {
    queue.length = 0;
    await instances(0);
    queue.length = 7;
    await instances(1);
    const { items } = await cluster.client.list(REVISIONS, { namespace: NAMESPACE });
    assert.equal(items.length, 1);
  });
});
