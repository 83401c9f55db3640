import assert from 'node:assert/strict';
import { PODS, type Pod } from '../../kube/core.ts';
import { PlanExecutor } from '../../kube/plan.ts';
import { ApiServer } from '../../testing/apiServer.ts';
import { after as moment, taskPod } from '../../testing/jobs.ts';
import { EPOCH } from '../../testing/serving.ts';
import { overdue } from './deadline.ts';

describe('the deadline of a task on a real API server', function () {
  this.timeout(60_000);
  let server: ApiServer;

  before(async () => {
    server = await ApiServer.start();
  });
  after(() => server?.stop());

  it('may be lowered while its pod runs', async () => {
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
