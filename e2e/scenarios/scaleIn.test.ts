import assert from 'node:assert/strict';
import { once } from 'node:events';
import WebSocket from 'ws';
import { SERVING } from '../../operator/apis/labels.ts';
import { DISRUPTION_BUDGETS } from '../../operator/kube/core.ts';
import { isKubeError } from '../../operator/kube/errors.ts';
import { readyCondition } from '../../operator/kube/pod.ts';
import { gatewayAddress, podsOf } from '../lib/cluster.ts';
import { constantLoad } from '../lib/load.ts';
import { applyService, helloService, readyService } from '../lib/services.ts';
import { useSuite } from '../lib/suite.ts';
import { until } from '../lib/wait.ts';

const IDLE = 'autoscaling.knative.dev/scale-to-zero-pod-retention-period';
const MODE = 'run.googleapis.com/scalingMode';
const COUNT = 'run.googleapis.com/manualInstanceCount';

describe('instances that go', function () {
  this.timeout(300_000);
  const suite = useSuite('e2e-scale-in');

  /** What `kubectl drain` asks of each pod. @returns the status code of the answer. */
  async function evict(name: string): Promise<number> {
    const { client, namespace } = suite;
    try {
      await client.request('POST', `/api/v1/namespaces/${namespace}/pods/${name}/eviction`, {
        body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } },
        contentType: 'application/json',
      });
      return 201;
    } catch (error) {
      if (!isKubeError(error)) throw error;
      return error.status ?? 0;
    }
  }

  it('finish their requests before an eviction takes them, however long these are', async () => {
    const { client, namespace, visitor } = suite;
    const { url } = await readyService(client, namespace, 'evicted', { annotations: { [IDLE]: '300s' } });
    const [pod] = await podsOf(client, namespace, 'evicted');
    const name = pod?.metadata.name as string;
    // Longer than the ten seconds between SIGTERM and SIGKILL (container contract, Shutdown).
    const long = visitor.ask(`${url}/sleep?ms=14000`);
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.equal(await evict(name), 429, 'as a disruption budget would answer');
    assert.deepEqual([(await long).status, (await long).body], [200, 'slept\n']);
    await until('the instance is gone', async () =>
      (await podsOf(client, namespace, 'evicted')).every(({ metadata }) => metadata.name !== name),
    );
    assert.equal((await visitor.ask(url)).status, 200, 'another one serves');
  });

  it('go one after the other when a service must have two and their node is emptied', async () => {
    const { client, namespace, visitor } = suite;
    const annotations = { 'autoscaling.knative.dev/minScale': '2' };
    const { url } = await readyService(client, namespace, 'minimum', { annotations });
    const running = async () => (await podsOf(client, namespace, 'minimum')).filter(readyCondition);
    const before = await until('two instances', async () => {
      const pods = await running();
      return pods.length === 2 && pods;
    });
    const budget = async () => (await client.list(DISRUPTION_BUDGETS, { namespace })).items[0];
    assert.equal((await until('the budget', budget)).spec?.maxUnavailable, 1);
    const stop = new AbortController();
    const load = constantLoad(visitor, url, 20, stop.signal);
    let fewest = 2;
    const old = new Set(before.map(({ metadata }) => metadata.name));
    await until('both to be replaced', async () => {
      const present = await running();
      fewest = Math.min(fewest, present.length);
      const left = present.filter(({ metadata }) => old.has(metadata.name));
      // As `kubectl drain` does, all of them again and again.
      await Promise.all(left.map(({ metadata }) => evict(metadata.name)));
      return left.length === 0 && present.length === 2;
    });
    stop.abort();
    assert.deepEqual((await load).failures, []);
    assert.ok(fewest >= 1, 'one of them was there all the time');
  });

  it('are those of an old revision at its request limit, though a WebSocket is open', async () => {
    const { client, namespace } = suite;
    const common = { timeoutSeconds: 30, annotations: { [IDLE]: '1s' } };
    await readyService(client, namespace, 'chat', { ...common, revision: 'chat-v1' });
    const { host, port } = await gatewayAddress(client);
    const headers = { host: `chat.${namespace}.localhost` };
    const socket = new WebSocket(`ws://${host}:${port}/ws`, { headers });
    await once(socket, 'open');
    const start = performance.now();
    const closed = once(socket, 'close');
    await readyService(client, namespace, 'chat', { ...common, revision: 'chat-v2' });
    socket.send('still there');
    assert.equal(String((await once(socket, 'message'))[0]), 'still there');
    await closed;
    const seconds = (performance.now() - start) / 1000;
    assert.ok(seconds > 28 && seconds < 60, `open for ${seconds} s`);
    await until(
      'the old revision has no instance',
      async () => {
        const pods = await podsOf(client, namespace, 'chat');
        return pods.every(({ metadata }) => metadata.labels?.[SERVING.revision] !== 'chat-v1');
      },
      { timeoutMs: 40_000 },
    );
  });

  it('lose no request that comes while the last one is going', async () => {
    const { client, namespace, visitor } = suite;
    const { url } = await readyService(client, namespace, 'edge', { annotations: { [IDLE]: '2s' } });
    const statuses: number[] = [];
    // Each pause ends at another moment of the way to zero, which takes two seconds and the scale-in's own steps.
    for (let i = 0; i < 8; i++) {
      statuses.push((await visitor.ask(`${url}/sleep?ms=200`)).status);
      await new Promise((resolve) => setTimeout(resolve, 2000 + i * 700));
    }
    assert.deepEqual([...new Set(statuses)], [200]);
  });

  it('are none for a service that a person has set to 0: it says so at once, and starts nothing', async () => {
    const { client, namespace, visitor } = suite;
    const service = { serviceAnnotations: { [MODE]: 'manual', [COUNT]: '1' } };
    const { url } = await readyService(client, namespace, 'stopped', service);
    assert.equal((await visitor.ask(url)).status, 200);
    await applyService(
      client,
      helloService(namespace, 'stopped', { serviceAnnotations: { [MODE]: 'manual', [COUNT]: '0' } }),
    );
    await until('no pods', async () => (await podsOf(client, namespace, 'stopped')).length === 0);
    const { status, body, ms } = await visitor.ask(url);
    assert.equal(status, 503);
    assert.match(body, /manual instance count is 0/);
    assert.ok(ms < 1000, `answered after ${ms} ms`);
    assert.deepEqual(await podsOf(client, namespace, 'stopped'), []);
  });
});
