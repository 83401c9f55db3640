import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { REVISIONS } from '../apis/serving/revision/types.ts';
import { ROUTES } from '../apis/serving/route/types.ts';
import { SERVICES } from '../apis/serving/service/types.ts';
import { DEPLOYMENTS } from '../kube/core.ts';
import { autoscalerTick } from '../telemetry/metrics.ts';
import { FakeApiServer } from '../testing/fakeApiServer.ts';
import { until } from '../testing/until.ts';
import type { Fleet, Listening } from './testing/gatewayThread.ts';
import { deployment, revision, route } from './testing/objects.ts';
import { runAutoscaler } from './testing/run.ts';

const COUNT = 10_000;
const MOST_MS = 20;

async function rounds(): Promise<number> {
  const { values } = await autoscalerTick.get();
  return values.find(({ metricName }) => metricName?.endsWith('_count'))?.value ?? 0;
}

describe('a round of scaling', function () {
  this.timeout(120_000);

  it(`takes less than ${MOST_MS} ms for ten thousand revisions without instances and three gateways`, async () => {
    const names = Array.from({ length: COUNT }, (_, index) => `idle-${index}`);
    const fleet: Fleet = {
      addresses: ['127.0.0.1', '127.0.0.2', '127.0.0.3'],
      revisions: names.map((name) => `n/${name}`),
    };
    const thread = new Worker(new URL('./testing/gatewayThread.ts', import.meta.url), { workerData: fleet });
    const [{ port, pods }] = (await once(thread, 'message')) as [Listening];
    const server = await FakeApiServer.start({ types: [REVISIONS, SERVICES, ROUTES] });
    for (const pod of pods) server.put(pod);
    for (const name of names) {
      server.put(revision({}, 'True', name));
      server.put(route(name, name));
      server.put(deployment(0, name));
    }
    const stop = new AbortController();
    const running = runAutoscaler({ client: server.client, gatewayPort: port, signal: stop.signal });
    const pass = async (count: number) => {
      const from = await rounds();
      await until(`${count} rounds`, async () => (await rounds()) >= from + count, {
        timeoutMs: 60_000,
        everyMs: 50,
      });
      return (await rounds()) - from;
    };
    await pass(5);
    // The processor's time and not the clock's: other things on the machine cost none of it.
    const before = process.threadCpuUsage();
    const count = await pass(10);
    const { user, system } = process.threadCpuUsage(before);
    const ms = (user + system) / 1000 / count;
    assert.ok(ms < MOST_MS, `${ms} ms for each of ${count} rounds`);
    assert.equal(server.writes.length, 0);
    server.put(revision({ minScale: '2' }, 'True', 'idle-7'));
    const replicas = () =>
      server.get(DEPLOYMENTS, { namespace: 'n', name: 'idle-7-deployment' })?.spec?.replicas;
    await until('what changes is seen', () => replicas() === 2);
    stop.abort();
    await running;
    await Promise.all([server.close(), thread.terminate()]);
  });
});
