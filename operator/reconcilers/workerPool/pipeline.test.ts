import assert from 'node:assert/strict';
import { conditionOf } from '../../apis/condition.ts';
import { KIND_TYPES } from '../../apis/kinds.ts';
import { RUN, SERVING } from '../../apis/labels.ts';
import { deploymentName } from '../../apis/names.ts';
import { defaultWorkerPool } from '../../apis/run/workerPool/defaults.ts';
import { WORKER_POOLS, type WorkerPool } from '../../apis/run/workerPool/types.ts';
import { REVISIONS } from '../../apis/serving/revision/types.ts';
import { parseConfig } from '../../config.ts';
import { DEPLOYMENTS, type Deployment, type Pod } from '../../kube/core.ts';
import { EventRecorder } from '../../kube/events.ts';
import { FakeApiServer, isWrite } from '../../testing/fakeApiServer.ts';
import { reconciledBy } from '../../testing/reconciled.ts';
import { PINNED, workerPool } from '../../testing/serving.ts';
import { silent, until } from '../../testing/until.ts';
import type { Context } from '../context.ts';
import { createInformers } from '../informers.ts';
import { revisionController } from '../revision/reconciler.ts';
import { rollOutsOf } from '../revision/rollOuts.ts';
import { ScalingReports } from '../revision/scalingReports.ts';
import { workerPoolController } from './reconciler.ts';

const REF = { namespace: 'demo', name: 'queue' };
// A second revision must not hold up the tests for as long as it would hold up a cluster.
const startup = { crashSeconds: 1 };

/** The controllers of pools and revisions; what the cluster does for a Deployment is done by the tests. */
function start({ client }: FakeApiServer, config = parseConfig({ startup })): () => Promise<void> {
  const stop = new AbortController();
  const informers = createInformers(client, silent, config);
  const context: Context = {
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
  };
  const running = Promise.all([
    ...Object.values(informers).map((informer) => informer.run(stop.signal)),
    ...[workerPoolController, revisionController].map((part) => part(context).run(stop.signal)),
  ]);
  return async () => {
    stop.abort();
    await running;
  };
}

describe('worker pool to deployments', () => {
  let server: FakeApiServer;
  let stop: () => Promise<void>;

  beforeEach(async () => {
    server = await FakeApiServer.start({
      types: KIND_TYPES,
    });
    stop = start(server);
  });
  afterEach(async () => {
    await stop();
    await server.close();
  });

  /** What admission makes of the pool, applied by a person. */
  function apply(count: number, env = 'one'): Promise<WorkerPool> {
    const made = workerPool('queue', {
      spec: { containers: [{ image: PINNED, env: [{ name: 'MODE', value: env }] }] },
    });
    const pool = defaultWorkerPool({ ...made, spec: { ...made.spec, manualInstanceCount: count } });
    return server.client.apply(WORKER_POOLS, { ...pool, metadata: REF }, { fieldManager: 'person' });
  }

  const revisions = () =>
    server
      .list(REVISIONS)
      .map(({ metadata }) => metadata.name)
      .sort();
  const deploymentOf = (revision: string) =>
    server.get<Deployment>(DEPLOYMENTS, { namespace: 'demo', name: deploymentName(revision) });
  const replicasOf = (revision: string) => deploymentOf(revision)?.spec?.replicas;

  async function latest(count: number): Promise<string> {
    await until(`${count} revisions`, () => revisions().length === count);
    return revisions().at(-1) ?? '';
  }

  /** Lets a revision have as many instances as it asks for, all of them healthy. */
  async function run(revision: string, replicas: number): Promise<void> {
    await until(`${replicas} instances of ${revision}`, () => replicasOf(revision) === replicas);
    const deployment = deploymentOf(revision);
    const labels = deployment?.spec?.template.metadata?.labels;
    const startedAt = new Date().toISOString();
    for (let i = 0; i < replicas; i++) {
      const status = {
        name: 'user-container',
        ready: true,
        restartCount: 0,
        state: { running: { startedAt } },
      };
      server.put({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: `${revision}-${i}`, namespace: 'demo', labels },
        status: { containerStatuses: [status], conditions: [{ type: 'Ready', status: 'True' }] },
      } as unknown as Pod);
    }
    server.put({
      ...deployment,
      status: { replicas, updatedReplicas: replicas, readyReplicas: replicas },
    } as Deployment);
  }

  const ready = (status = 'True') =>
    until(`Ready=${status}`, () => {
      const found = server.get(WORKER_POOLS, REF);
      const current = found?.status?.observedGeneration === found?.metadata.generation;
      return current && conditionOf(found?.status?.conditions, 'Ready')?.status === status && found;
    });

  it('a pool gets a revision and its instances, under labels that gateways do not look at', async () => {
    await apply(3);
    const name = await latest(1);
    await run(name, 3);
    const { status } = await ready();
    assert.deepEqual(status?.instanceSplits, [{ revisionName: name, percent: 100, latestRevision: true }]);
    assert.equal(status?.readyInstances, 3);
    assert.equal(status?.selector, `${RUN.workerPool}=queue`);
    const labels = deploymentOf(name)?.spec?.template.metadata?.labels ?? {};
    assert.equal(labels[RUN.workerPool], 'queue');
    assert.equal(labels[SERVING.service], undefined);
  });

  it('a number that changes makes no revision', async () => {
    await apply(2);
    const name = await latest(1);
    await run(name, 2);
    await ready();
    await apply(4);
    await run(name, 4);
    await ready();
    await apply(0);
    await until('no instances', () => replicasOf(name) === 0);
    assert.deepEqual(revisions(), [name]);
  });

  it('a new revision starts beside the old one, which goes when the new one has run for a while', async () => {
    await apply(2, 'one');
    const first = await latest(1);
    await run(first, 2);
    await ready();
    await apply(2, 'two');
    const second = await latest(2);
    await until('the new instances', () => replicasOf(second) === 2);
    assert.equal(replicasOf(first), 2, 'the old ones are there');
    await run(second, 2);
    await until('the old instances to go', () => replicasOf(first) === 0);
    server.put({ ...deploymentOf(first), status: {} } as Deployment);
    const { status } = await ready();
    assert.equal(status?.latestReadyRevisionName, second);
  });

  it('a controller that starts again writes nothing', async () => {
    await apply(2);
    await run(await latest(1), 2);
    await ready();
    await stop();
    server.requests = [];
    const before = await reconciledBy();
    stop = start(server);
    await until('both controllers to have looked', async () => {
      const now = await reconciledBy();
      return ['workerpool', 'revision'].every((name) => (now.get(name) ?? 0) > (before.get(name) ?? 0));
    });
    const writes = server.requests.filter(isWrite).map(({ method, path }) => `${method} ${path}`);
    assert.deepEqual(writes, []);
  });

  it('what runs keeps its pod template when the configuration changes, and follows the number of instances', async () => {
    await apply(2);
    const name = await latest(1);
    await run(name, 2);
    await ready();
    await stop();
    const before = deploymentOf(name)?.spec?.template;
    server.requests = [];
    stop = start(server, parseConfig({ startup, instance: { cpuRequestFraction: 0.5 } }));
    await apply(3);
    await run(name, 3);
    await ready();
    assert.deepEqual(deploymentOf(name)?.spec?.template, before);
    const writes = server.requests.filter((seen) => isWrite(seen) && seen.path.includes('/deployments/'));
    assert.equal(writes.length, 1);
    await apply(0);
    await until('no instances', () => replicasOf(name) === 0);
    assert.deepEqual(deploymentOf(name)?.spec?.template, before, 'no instance is made of it now');
    await apply(1);
    await until('an instance', () => replicasOf(name) === 1);
    const [container] = deploymentOf(name)?.spec?.template.spec?.containers ?? [];
    assert.equal(container?.resources?.requests?.cpu, '500m');
  });

  it('what runs is replaced one revision at a time where the chart asks for it', async () => {
    await apply(2);
    const name = await latest(1);
    await run(name, 2);
    await ready();
    await stop();
    stop = start(server, parseConfig({ startup, instance: { cpuRequestFraction: 0.5, maxRollOuts: 1 } }));
    await until('the new template', () => {
      const [container] = deploymentOf(name)?.spec?.template.spec?.containers ?? [];
      return container?.resources?.requests?.cpu === '500m';
    });
    assert.equal(replicasOf(name), 2);
  });

  it('a number that a person sets on a Deployment is put right again', async () => {
    await apply(2);
    const name = await latest(1);
    await run(name, 2);
    await ready();
    await server.client.mergePatch(
      DEPLOYMENTS,
      { namespace: 'demo', name: deploymentName(name) },
      { spec: { replicas: 9 } },
    );
    await until('two instances again', () => replicasOf(name) === 2);
  });
});
