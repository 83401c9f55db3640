import { executionOf } from '../../apis/run/execution/fromJob.ts';
import { EXECUTIONS } from '../../apis/run/execution/types.ts';
import { defaultJob } from '../../apis/run/job/defaults.ts';
import { JOBS, type Job } from '../../apis/run/job/types.ts';
import { parseConfig } from '../../config.ts';
import { NAMESPACES, PODS, type Pod } from '../../kube/core.ts';
import { EventRecorder } from '../../kube/events.ts';
import type { ApiServer } from '../../testing/apiServer.ts';
import { job } from '../../testing/jobs.ts';
import { PINNED } from '../../testing/serving.ts';
import { giveBackApiServer, takeApiServer } from '../../testing/sharedApiServer.ts';
import { silent, until } from '../../testing/until.ts';
import { createInformers } from '../informers.ts';
import { rollOutsOf } from '../revision/rollOuts.ts';
import { ScalingReports } from '../revision/scalingReports.ts';
import { executionController } from './reconciler.ts';

const NAMESPACE = 'demo';

describe("an execution's namespace on a real API server, with Kubernetes' own controllers", function () {
  this.timeout(300_000);
  const stop = new AbortController();
  let server: ApiServer;
  let running: Promise<unknown>;

  before(async () => {
    server = await takeApiServer(NAMESPACE);
    server.startControllers('job-controller', 'namespace-controller');
    const { client } = server;
    const config = parseConfig({});
    const informers = createInformers(client, silent, config);
    const controller = executionController({
      client,
      informers,
      recorder: new EventRecorder({ client, component: 'test', log: silent }),
      config,
      identity: { namespace: 'homerun-system', podName: 'test' },
      capabilities: { resizesPods: false },
      rollOuts: rollOutsOf(config, informers),
      scaling: new ScalingReports(),
      log: silent,
      now: Date.now,
    });
    running = Promise.all([
      ...Object.values(informers).map((informer) => informer.run(stop.signal)),
      controller.run(stop.signal),
    ]);
  });

  after(async () => {
    stop.abort();
    await running;
    await giveBackApiServer(server);
  });

  it('loses its pods when it is deleted, also while a task waits for its next attempt', async () => {
    const { client } = server;
    const wanted = defaultJob(
      job({ metadata: { uid: undefined }, task: { containers: [{ image: PINNED }] } }),
    );
    const { name } = wanted.metadata;
    const made = await client.create<Job>(JOBS, {
      ...wanted,
      metadata: { name, namespace: NAMESPACE },
    } as Job);
    await client.create(EXECUTIONS, executionOf(made, { name: 'hello-run' }));
    const pods = async () => (await client.list(PODS, { namespace: NAMESPACE })).items;
    const pod = await until('a pod', async () => (await pods())[0]);
    await client.mergePatch<Pod>(
      PODS,
      pod.metadata,
      { status: { phase: 'Failed' } },
      { subresource: 'status' },
    );
    await client.delete(NAMESPACES, { name: NAMESPACE });
    // The namespace controller looks again after seconds; it waits for nothing else.
    await until('its pods to be gone', async () => (await pods()).length === 0, { timeoutMs: 90_000 });
  });
});
