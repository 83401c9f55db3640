import assert from 'node:assert/strict';
import { SERVING } from '../apis/annotations/serving.ts';
import { RUN } from '../apis/labels.ts';
import { WORKER_POOLS, type WorkerPool } from '../apis/run/workerPool/types.ts';
import { REVISIONS } from '../apis/serving/revision/types.ts';
import { resourcePath } from '../kube/client.ts';
import { NAMESPACE, rejectionOf, useInstallation } from './testing/installation.ts';

const COUNT = 'run.googleapis.com/manualInstanceCount';

function pool(name: string, count?: number, spec: Partial<WorkerPool['spec']> = {}): WorkerPool {
  return {
    apiVersion: WORKER_POOLS.apiVersion,
    kind: WORKER_POOLS.kind,
    metadata: {
      name,
      namespace: NAMESPACE,
      ...(count === undefined ? {} : { annotations: { [COUNT]: String(count) } }),
    },
    spec: { template: { spec: { containers: [{ image: 'app' }] } }, ...spec },
  } as WorkerPool;
}

interface Scale {
  spec: { replicas?: number };
  status: { replicas: number; selector: string };
}

describe('worker pools, the webhook and a real API server', () => {
  const cluster = useInstallation();

  const apply = (object: WorkerPool) =>
    cluster.client.apply(WORKER_POOLS, object, { fieldManager: 'kubectl' });
  const scalePath = (name: string) => resourcePath(WORKER_POOLS, { namespace: NAMESPACE, name }, 'scale');
  const scale = (name: string) => cluster.client.request<Scale>('GET', scalePath(name));
  const setScale = (name: string, replicas: number) =>
    cluster.client.mergePatch(
      WORKER_POOLS,
      { namespace: NAMESPACE, name },
      { spec: { replicas } },
      { subresource: 'scale', fieldManager: 'keda' },
    );

  it('are completed: defaults of a worker, all instances to the latest revision, one instance', async () => {
    const { metadata, spec } = await apply(pool('filled'));
    assert.deepEqual(spec, {
      template: {
        spec: {
          serviceAccountName: 'default',
          containers: [
            {
              name: 'user-container',
              image: 'app',
              resources: { limits: { cpu: '1000m', memory: '512Mi' } },
            },
          ],
        },
      },
      instanceSplits: [{ latestRevision: true, percent: 100 }],
      manualInstanceCount: 1,
    });
    assert.equal(metadata.annotations?.[SERVING.creator], 'admin');
  });

  it('keep what /scale says when the same YAML is applied again, and take another number from it', async () => {
    await apply(pool('scaled', 2));
    assert.equal((await scale('scaled')).spec.replicas, 2);
    await setScale('scaled', 5);
    const same = await apply(pool('scaled', 2));
    assert.equal(same.spec.manualInstanceCount, 5);
    assert.equal(same.metadata.annotations?.[COUNT], '2');
    const { generation } = same.metadata;
    assert.equal((await apply(pool('scaled', 2))).metadata.generation, generation, 'nothing changes');
    assert.equal((await apply(pool('scaled', 3))).spec.manualInstanceCount, 3);
    await setScale('scaled', 0);
    // Kubernetes leaves a zero out.
    assert.equal((await scale('scaled')).spec.replicas ?? 0, 0);
  });

  it('keep it too when the whole object is replaced by one that does not name the field', async () => {
    const { metadata } = await apply(pool('replaced', 2));
    await setScale('replaced', 5);
    const { namespace, name } = metadata;
    const body = { ...pool('replaced', 2), metadata: { namespace, name, annotations: { [COUNT]: '2' } } };
    const current = await cluster.client.get(WORKER_POOLS, { namespace, name });
    const put = {
      ...body,
      metadata: { ...body.metadata, resourceVersion: current?.metadata.resourceVersion },
    };
    const stored = await cluster.client.request<WorkerPool>('PUT', resourcePath(WORKER_POOLS, put.metadata), {
      body: put,
    });
    assert.equal(stored.spec.manualInstanceCount, 5);
  });

  it('give autoscalers a selector of their pods', async () => {
    const made = await apply(pool('observed', 1));
    const status = { instances: 3, selector: `${RUN.workerPool}=observed` };
    await cluster.client.apply(
      WORKER_POOLS,
      { ...pool('observed'), spec: undefined, status } as unknown as WorkerPool,
      { fieldManager: 'test', subresource: 'status' },
    );
    const { status: seen } = await scale('observed');
    assert.deepEqual(seen, { replicas: 3, selector: `${RUN.workerPool}=observed` });
    assert.ok(made.metadata.uid);
  });

  it('reject a number below zero by /scale as well', async () => {
    await apply(pool('least', 1));
    const { message } = await rejectionOf(setScale('least', -1));
    assert.match(message, /greater than or equal to 0/);
  });

  it('reject a split to a revision that is not there, and take one that is', async () => {
    await apply(pool('split', 4));
    const metadata = { name: 'split-a', namespace: NAMESPACE, labels: { [RUN.workerPool]: 'split' } };
    await cluster.client.create(REVISIONS, {
      apiVersion: 'serving.knative.dev/v1',
      kind: 'Revision',
      metadata,
      spec: { containers: [{ image: 'app' }] },
    } as never);
    const to = (revisionName: string) =>
      pool('split', 4, { instanceSplits: [{ revisionName, percent: 100 }] });
    const { message } = await rejectionOf(apply(to('split-b')));
    assert.match(
      message,
      /spec.instanceSplits\[0\].revisionName: is "split-b"; it must be one of this pool's revisions: split-a/,
    );
    const { spec } = await apply(to('split-a'));
    assert.deepEqual(spec.instanceSplits, [{ revisionName: 'split-a', percent: 100, latestRevision: false }]);
    const revision = await cluster.client.get(REVISIONS, metadata);
    assert.equal(revision?.spec.containerConcurrency, undefined, 'its defaults are those of a worker');
  });

  it('list all errors in one response', async () => {
    const wrong = pool('wrong', -1, {
      instanceSplits: [{ percent: 90 }],
      manualInstanceCount: -2,
      template: {
        spec: { containerConcurrency: 5, containers: [{ image: 'app' }] },
      },
    });
    const { message } = await rejectionOf(apply(wrong));
    for (const said of [
      /manualInstanceCount\]: is "-1"/,
      /containerConcurrency: is 5/,
      /sum to 90; they must sum to 100/,
      /spec.manualInstanceCount: is -2; it must be a whole number from 0/,
    ]) {
      assert.match(message, said);
    }
  });
});
