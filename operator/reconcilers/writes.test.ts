import assert from 'node:assert/strict';
import { conditionOf } from '../apis/condition.ts';
import { KIND_TYPES } from '../apis/kinds.ts';
import { REVISIONS } from '../apis/serving/revision/types.ts';
import { SERVICES, type Service } from '../apis/serving/service/types.ts';
import type { Deployment, Pod } from '../kube/core.ts';
import { clientRequests } from '../telemetry/metrics.ts';
import { FakeApiServer, isWrite } from '../testing/fakeApiServer.ts';
import { PINNED, service } from '../testing/serving.ts';
import { ServingProcess } from '../testing/servingProcess.ts';
import { until } from '../testing/until.ts';

/** What one new service may cost the API server, Events left out. */
const MOST_WRITES = 15;

/** Longer than a status that reports a step waits to be written. */
const QUIET_MS = 1_000;

/** Writes that the API server rejected because the object had changed. */
async function conflicts(): Promise<number> {
  const { values } = await clientRequests.get();
  return values.filter(({ labels }) => labels.code === 409).reduce((sum, { value }) => sum + value, 0);
}

describe('writes of a new service', () => {
  let server: FakeApiServer;
  let process: ServingProcess;

  beforeEach(async () => {
    server = await FakeApiServer.start({
      types: KIND_TYPES,
    });
    process = new ServingProcess(server);
  });

  afterEach(async () => {
    await process.stop();
    await server.close();
  });

  /** Nothing more is written: whatever waits for its time has had it. */
  async function noMoreWrites(): Promise<void> {
    let [count, since] = [server.requests.length, performance.now()];
    const isQuiet = () => {
      if (server.requests.length !== count) [count, since] = [server.requests.length, performance.now()];
      return performance.now() - since > QUIET_MS;
    };
    await until('quiet', isQuiet);
  }

  /** The cluster's part: a Deployment has a pod, which is ready a moment later. */
  function runs(made: Deployment): void {
    const { name, namespace } = made.metadata;
    const { template } = made.spec ?? {};
    const status = (readyReplicas: number) =>
      server.put({
        ...made,
        spec: { ...made.spec, replicas: 1 },
        status: { replicas: 1, readyReplicas },
      } as Deployment);
    status(0);
    const containerStatuses = template?.spec?.containers.map((container) => ({
      name: container.name,
      ready: true,
      restartCount: 0,
      state: { running: {} },
    }));
    server.put({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `${name}-x`, namespace, labels: template?.metadata?.labels },
      status: { containerStatuses },
    } as Pod);
    status(1);
  }

  async function deploy(names: string[]): Promise<void> {
    server.storage.listeners.add(({ type, before, after }) => {
      if (type.kind === 'Deployment' && !before) setImmediate(() => runs(after as unknown as Deployment));
    });
    const { metadata, ...object } = service('', { spec: { containers: [{ image: PINNED }] } });
    const create = (name: string) =>
      server.client.create(SERVICES, { ...object, metadata: { name, namespace: 'demo' } } as Service);
    await Promise.all(names.map(create));
    const isReady = ({ status }: Service) => conditionOf(status?.conditions, 'Ready')?.status === 'True';
    const all = () => server.list(SERVICES).every(isReady);
    await until('all are ready', all, { timeoutMs: 100_000, everyMs: 100 });
  }

  /** Writes that did not go to an Event, by the name of the service that they are for. */
  function writesOf(name: string): string[] {
    const own = new RegExp(`/${name}(-00001-[a-z]+(-deployment)?)?(/status)?$`);
    return server.requests
      .filter((seen) => isWrite(seen) && own.test(seen.path))
      .map(({ path, query }) => `${query.get('fieldManager')} ${path}`);
  }

  it(`are at most ${MOST_WRITES}, and none is rejected as out of date`, async () => {
    const before = await conflicts();
    await deploy(['hello']);
    await noMoreWrites();
    const writes = writesOf('hello');
    assert.equal(writes.length, server.requests.filter(isWrite).length - 1, 'all but what made the service');
    assert.ok(writes.length <= MOST_WRITES, writes.join('\n'));
    assert.equal((await conflicts()) - before, 0);
  });

  it('are one more for each text that explains the number of instances, and none for one that stays', async () => {
    const { scaling } = process;
    await deploy(['hello']);
    await noMoreWrites();
    const [made] = server.list(REVISIONS);
    const key = `demo/${made?.metadata.name}`;
    const stored = () => server.get(REVISIONS, made?.metadata ?? { name: '' })?.status?.scaling;
    const before = server.requests.filter(isWrite).length;
    for (let second = 0; second < 20; second++) {
      scaling.report(key, `text ${Math.floor(second / 5)}`);
      scaling.show(second * 1000);
      if (second % 10 === 0) await until('it is written', () => stored() === scaling.of(key));
    }
    await noMoreWrites();
    assert.equal(stored(), 'text 2');
    assert.equal(server.requests.filter(isWrite).length - before, 2);
    assert.ok(writesOf('hello').length <= MOST_WRITES);
  });

  it('are no more for each of two hundred at once', async () => {
    const before = await conflicts();
    const names = Array.from({ length: 200 }, (_, index) => `many-${index}`);
    await deploy(names);
    await noMoreWrites();
    for (const name of names) {
      const writes = writesOf(name);
      assert.ok(writes.length <= MOST_WRITES, writes.join('\n'));
    }
    assert.equal((await conflicts()) - before, 0);
  });
});
