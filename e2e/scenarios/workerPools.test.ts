import assert from 'node:assert/strict';
import { RUN, SERVING } from '../../operator/apis/labels.ts';
import { WORKER_POOLS } from '../../operator/apis/run/workerPool/types.ts';
import { kubectl } from '../lib/cluster.ts';
import { serveExternalMetrics } from '../lib/externalMetrics.ts';
import {
  applyPool,
  helloPool,
  type PoolOptions,
  podsOfPool,
  poolReady,
  readyPool,
  revisionsOfPool,
} from '../lib/pools.ts';
import { readyService } from '../lib/services.ts';
import { useSuite } from '../lib/suite.ts';
import { until } from '../lib/wait.ts';

/** When a worker was heard first and last, in milliseconds since 1970. */
interface Life {
  revision: string;
  first: number;
  last: number;
}

/** Pools that tests change, as they are at first. */
const FIRST = {
  plain: { count: 2 },
  scaled: { count: 0 },
  kept: { count: 1 },
  shared: { count: 10, revision: 'shared-v1' },
  sturdy: { count: 2 },
  ending: { count: 1 },
};

/** A worker that works was heard of so lately: ten times a second, and the machine may be busy. */
const SILENCE_MS = 1500;

describe('worker pools', function () {
  this.timeout(300_000);
  const suite = useSuite('e2e-worker-pools');

  const ready = (name: string, options: PoolOptions = {}) =>
    readyPool(suite.client, suite.namespace, name, options);
  const apply = (name: string, options: PoolOptions = {}) =>
    applyPool(suite.client, helloPool(suite.namespace, name, options));
  const pods = (name: string) => podsOfPool(suite.client, suite.namespace, name);
  const revisions = (name: string) => revisionsOfPool(suite.client, suite.namespace, name);

  async function scale(name: string, replicas: number): Promise<void> {
    await kubectl(['scale', 'workerpool', name, `--replicas=${replicas}`, '-n', suite.namespace]);
    await poolReady(suite.client, suite.namespace, name);
    assert.equal((await pods(name)).length, replicas);
  }

  /** Instances of each revision, the revisions in order. */
  async function perRevision(name: string): Promise<number[]> {
    const counts = new Map<string, number>();
    for (const { metadata } of await pods(name)) {
      const revision = metadata.labels?.[SERVING.revision] ?? '';
      counts.set(revision, (counts.get(revision) ?? 0) + 1);
    }
    return (await revisions(name)).map((revision) => counts.get(revision) ?? 0);
  }

  /** Asks a worker by way of the API server: nothing else leads to it. */
  const ask = (pod: string, path: string) =>
    kubectl(['get', '--raw', `/api/v1/namespaces/${suite.namespace}/pods/${pod}:8080/proxy${path}`]);

  /** Applies a HorizontalPodAutoscaler that follows one metric, down at once too. */
  async function autoscale(name: string, [minReplicas, maxReplicas]: [number, number], metric: object) {
    const scaleTargetRef = { apiVersion: WORKER_POOLS.apiVersion, kind: WORKER_POOLS.kind, name };
    const behavior = { scaleDown: { stabilizationWindowSeconds: 0 } };
    const spec = { scaleTargetRef, minReplicas, maxReplicas, metrics: [metric], behavior };
    const metadata = { name, namespace: suite.namespace };
    const autoscaler = { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata, spec };
    await kubectl(['apply', '-f', '-'], JSON.stringify(autoscaler));
  }

  // The autoscaler takes its time: it is asked first, and looked at last. A first revision takes its time too.
  before(async () => {
    await apply('driven', { count: 1 });
    for (const [name, options] of Object.entries(FIRST)) await apply(name, options);
    const metric = { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } };
    await autoscale('driven', [2, 2], { type: 'Resource', resource: metric });
  });

  it('run as many instances as the annotation says, with the environment of workers alone', async () => {
    const pool = await ready('plain', FIRST.plain);
    assert.equal(pool.spec.manualInstanceCount, 2);
    const [pod, second] = await pods('plain');
    assert.ok(pod && second);
    const env = JSON.parse(await ask(pod.metadata.name, '/env')) as Record<string, string>;
    assert.equal(env.CLOUD_RUN_WORKER_POOL, 'plain');
    assert.equal(env.CLOUD_RUN_WORKER_POOL_REVISION, pool.status?.latestReadyRevisionName);
    const foreign = Object.keys(env).filter((name) => name === 'PORT' || name.startsWith('K_'));
    assert.deepEqual(foreign, []);
    const [container] = pod.spec?.containers ?? [];
    assert.equal(container?.ports, undefined);
    assert.equal(container?.startupProbe, undefined);
    assert.equal(pod.spec?.terminationGracePeriodSeconds, 10);
  });

  it('go from 0 to 5, 2 and 0 by kubectl scale, and keep their revisions', async () => {
    await ready('scaled', FIRST.scaled);
    assert.deepEqual(await pods('scaled'), []);
    const made = await revisions('scaled');
    for (const replicas of [5, 2, 0]) await scale('scaled', replicas);
    assert.deepEqual(await revisions('scaled'), made);
  });

  it('keep what was set by /scale when the same manifest is applied again, and take a new number from it', async () => {
    await ready('kept', FIRST.kept);
    await scale('kept', 3);
    const same = await ready('kept', FIRST.kept);
    assert.equal(same.spec.manualInstanceCount, 3);
    assert.equal((await pods('kept')).length, 3);
    const other = await ready('kept', { count: 2 });
    assert.equal(other.spec.manualInstanceCount, 2);
    assert.equal((await revisions('kept')).length, 1);
  });

  it('share ten instances 70/30 as 7 and 3, and three of them as 2 and 1', async () => {
    await ready('shared', FIRST.shared);
    await ready('shared', {
      count: 10,
      revision: 'shared-v2',
      env: { TARGET: 'two' },
      splits: [
        { revisionName: 'shared-v1', percent: 70 },
        { latestRevision: true, percent: 30 },
      ],
    });
    assert.deepEqual(await perRevision('shared'), [7, 3]);
    await scale('shared', 3);
    assert.deepEqual(await perRevision('shared'), [2, 1]);
    await kubectl(['delete', 'workerpool', 'shared', '-n', suite.namespace]);
  });

  it('are never fewer than they should be while a new revision replaces the old one', async () => {
    const { url } = await readyService(suite.client, suite.namespace, 'counter', {
      annotations: { 'autoscaling.knative.dev/minScale': '1', 'autoscaling.knative.dev/maxScale': '1' },
    });
    const counts = { count: 3, annotations: { 'run.googleapis.com/max-surge': '34' } };
    const BEAT_URL = `http://counter.${suite.namespace}/beat`;
    const heard = async () =>
      Object.values(JSON.parse((await suite.visitor.ask(`${url}/beats`)).body) as Record<string, Life>);
    const old = await ready('replaced', { ...counts, env: { BEAT_URL } });
    await until('three workers to be heard', async () => (await heard()).length === 3);
    const start = Date.now();
    const next = await ready('replaced', { ...counts, env: { BEAT_URL, TARGET: 'new' } });
    const end = Date.now();
    await until('the new workers to be heard', async () => (await heard()).length === 6);
    const lives = await heard();
    assert.notEqual(next.status?.latestReadyRevisionName, old.status?.latestReadyRevisionName);
    for (let now = start; now <= end; now += 50) {
      const working = lives.filter(({ first, last }) => first <= now && now <= last + SILENCE_MS);
      assert.ok(working.length >= 3, `${working.length} workers ${now - start} ms after the update`);
    }
    const [first] = lives.sort((a, b) => a.first - b.first);
    assert.equal(first?.revision, old.status?.latestReadyRevisionName);
    assert.deepEqual(await perRevision('replaced'), [0, 3]);
  });

  it('go on with the old revision when the new one crashes, and say why', async () => {
    const old = await ready('sturdy', FIRST.sturdy);
    const before = (await pods('sturdy')).map(({ metadata }) => metadata.name).sort();
    const crash = { EXIT_AT_START: '3', LAST_LINE: 'cannot reach the queue' };
    await apply('sturdy', { count: 2, env: crash });
    const failed = await poolReady(suite.client, suite.namespace, 'sturdy', {
      status: 'False',
      message: /exited with code 3.*cannot reach the queue/s,
    });
    assert.equal(failed.status?.latestReadyRevisionName, old.status?.latestReadyRevisionName);
    await until('the crashing instances to be gone', async () => (await pods('sturdy')).length === 2);
    const after = (await pods('sturdy')).map(({ metadata }) => metadata.name).sort();
    assert.deepEqual(after, before);
    await kubectl(['scale', 'workerpool', 'sturdy', '--replicas=3', '-n', suite.namespace]);
    await until('a third instance of the old revision', async () => (await perRevision('sturdy'))[0] === 3);
  });

  it('start an instance again that ends, and show how it ended', async () => {
    await ready('ending', FIRST.ending);
    const [pod] = await pods('ending');
    // The program ends before it can answer.
    await assert.rejects(ask(pod?.metadata.name ?? '', '/exit?code=7'));
    await until('the exit and the restart in a condition', async () => {
      const pool = await suite.client.get(WORKER_POOLS, { namespace: suite.namespace, name: 'ending' });
      const condition = pool?.status?.conditions?.find(({ type }) => type === 'InstancesReady');
      const exited = /exited with code 7 and is being restarted \(restarts so far: 1\)/;
      return (
        condition?.status === 'True' &&
        condition.reason === 'ExitCode7' &&
        exited.test(condition.message ?? '')
      );
    });
    const [same] = await pods('ending');
    assert.equal(same?.metadata.name, pod?.metadata.name);
  });

  it('are refused with all that is wrong, each with field, value and range', async () => {
    await ready('wrong', { count: 0, revision: 'wrong-v1' });
    const pool = helloPool(suite.namespace, 'wrong', {
      annotations: {
        'run.googleapis.com/scalingMode': 'auto',
        'run.googleapis.com/manualInstanceCount': '1.5',
      },
      splits: [
        { revisionName: 'wrong-v0', percent: 50 },
        { latestRevision: true, percent: 40 },
      ],
    });
    Object.assign(pool.spec, { manualInstanceCount: -1 });
    Object.assign(pool.spec.template.spec, { containerConcurrency: 80 });
    const refused = [
      /scalingMode\]: is "auto"; it must be manual/,
      /manualInstanceCount\]: is "1.5"; it must be a whole number from 0 to 2147483647/,
      /spec.manualInstanceCount: is -1; it must be a whole number from 0 to 2147483647/,
      /containerConcurrency: is 80; it must be unset or 0/,
      /instanceSplits: has percents that sum to 90; they must sum to 100/,
      /instanceSplits\[0\].revisionName: is "wrong-v0"; it must be one of this pool's revisions: wrong-v1/,
    ];
    await assert.rejects(
      kubectl(['apply', '-f', '-'], JSON.stringify(pool)),
      (error: { stderr?: string }) => {
        for (const message of refused) assert.match(error.stderr ?? '', message);
        return true;
      },
    );
  });

  it('are driven by a HorizontalPodAutoscaler', async () => {
    await until('the autoscaler to set two instances', async () => {
      const pool = await suite.client.get(WORKER_POOLS, { namespace: suite.namespace, name: 'driven' });
      return pool?.spec.manualInstanceCount === 2;
    });
    await poolReady(suite.client, suite.namespace, 'driven');
    await kubectl(['delete', 'hpa', 'driven', '-n', suite.namespace]);
  });

  it('follow the length of a queue by an external metric, as KEDA serves one', async () => {
    await using metrics = await serveExternalMetrics(suite.namespace);
    await ready('consumer', { count: 1 });
    await metrics.set(12);
    const target = { type: 'AverageValue', averageValue: '5' };
    await autoscale('consumer', [1, 5], {
      type: 'External',
      external: { metric: { name: 'queued' }, target },
    });
    for (const [queued, instances] of [
      [12, 3],
      [100, 5],
      [5, 1],
    ] as const) {
      await metrics.set(queued);
      await until(`${instances} instances for ${queued} messages`, async () => {
        const { length } = await pods('consumer');
        if (length !== instances) throw new Error(`there are ${length}`);
        return true;
      });
    }
    const pool = await poolReady(suite.client, suite.namespace, 'consumer');
    assert.equal(pool.spec.manualInstanceCount, 1);
    assert.equal((await revisions('consumer')).length, 1);
    await kubectl(['delete', 'hpa', 'consumer', '-n', suite.namespace]);
  });

  it('deleted, leave nothing', async () => {
    await kubectl(['delete', 'workerpool', '--all', '-n', suite.namespace]);
    await until('all that the pools made to be gone', async () => {
      const args = ['get', 'revision,deployment,pod', '-n', suite.namespace];
      const left = await kubectl([...args, '-l', RUN.workerPool, '-o', 'name']);
      return left.trim() === '';
    });
  });
});
