import assert from 'node:assert/strict';
import { parseConfig } from '../../config.ts';
import { BATCH_JOBS, type BatchJob, PODS, type Pod } from '../../kube/core.ts';
import { PlanExecutor } from '../../kube/plan.ts';
import type { ApiServer } from '../../testing/apiServer.ts';
import { execution, after as moment, taskPod } from '../../testing/jobs.ts';
import { EPOCH } from '../../testing/serving.ts';
import { giveBackApiServer, takeApiServer } from '../../testing/sharedApiServer.ts';
import { desiredBatchJob } from './batchJob.ts';
import { overdue } from './deadline.ts';

describe('a task on a real API server', () => {
  let server: ApiServer;

  before(async () => {
    server = await takeApiServer();
  });
  after(() => giveBackApiServer(server));

  it('may have a sidecar, which is sent SIGTERM by a hook', async () => {
    const containers = [
      { name: 'main', image: 'app' },
      { name: 'side', image: 'proxy', startupProbe: { tcpSocket: { port: 5432 } } },
    ];
    const annotations = { 'run.googleapis.com/container-dependencies': '{"main":["side"]}' };
    const wanted = desiredBatchJob(
      execution({ annotations, task: { containers } }),
      new Map(),
      parseConfig({}),
    );
    const metadata = { ...wanted.metadata, namespace: 'default', ownerReferences: undefined };
    const made = await server.client.create<BatchJob>(BATCH_JOBS, { ...wanted, metadata } as BatchJob);
    const [side] = made.spec?.template.spec?.initContainers ?? [];
    assert.deepEqual(side?.lifecycle?.preStop?.exec?.command, ['/bin/sh', '-c', 'kill -TERM 1']);
    assert.equal(made.spec?.template.spec?.activeDeadlineSeconds, 840);
  });

  it('has a deadline that may be lowered while its pod runs', async () => {
    const { client } = server;
    const spec = { activeDeadlineSeconds: 300, containers: [{ name: 'user-container', image: 'app' }] };
    const { status, metadata } = taskPod(0, { status: { startTime: moment(1) } });
    const { name, annotations } = metadata;
    const ref = { namespace: 'default', name };
    const made = await client.create<Pod>(PODS, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...ref, annotations },
      spec,
    });
    const { change } = overdue([{ ...made, status }], 60, EPOCH + 70_000);
    const executor = new PlanExecutor({
      client,
      fieldManager: 'homerun-execution',
      recorder: { event: () => undefined },
      typeOf: () => PODS,
      cached: () => undefined,
    });
    await executor.execute(made, { apply: [], change, remove: [], events: [] });
    assert.equal((await client.get(PODS, ref))?.spec?.activeDeadlineSeconds, 62);
  });
});
