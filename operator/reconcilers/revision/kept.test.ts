import assert from 'node:assert/strict';
import { KIND_TYPES } from '../../apis/kinds.ts';
import { deploymentName } from '../../apis/names.ts';
import type { Revision } from '../../apis/serving/revision/types.ts';
import { type Config, parseConfig } from '../../config.ts';
import { DEPLOYMENTS, type Deployment, EVENTS } from '../../kube/core.ts';
import { FakeApiServer, isWrite } from '../../testing/fakeApiServer.ts';
import { reconciled } from '../../testing/reconciled.ts';
import { PINNED, revision } from '../../testing/serving.ts';
import { ServingProcess } from '../../testing/servingProcess.ts';
import { until } from '../../testing/until.ts';

const COUNT = 50;
const before = parseConfig({});
/** A chart value that changes every pod. */
const changed = { cpuRequestFraction: 0.5 };
const after = parseConfig({ instance: changed });

const nameOf = (index: number) => `hello-${String(index + 1).padStart(5, '0')}-abc`;
const NAMES = Array.from({ length: COUNT }, (_, index) => nameOf(index));

describe('what runs while the configuration changes', () => {
  let server: FakeApiServer;
  let process: ServingProcess;

  beforeEach(async () => {
    server = await FakeApiServer.start({
      types: KIND_TYPES,
    });
    for (const name of NAMES) server.put(readyRevision(name));
    process = new ServingProcess(server, undefined, before);
    await until('all Deployments', () => server.list(DEPLOYMENTS).length === COUNT);
    for (const name of NAMES) becomeReady(name, 1);
    await process.stop();
  });

  afterEach(async () => {
    await process.stop();
    await server.close();
  });

  function readyRevision(name: string): Revision {
    const made = revision(name, { ready: 'True' });
    const containerStatuses = made.spec.containers.map((container) => ({
      name: container.name,
      imageDigest: PINNED,
    }));
    return { ...made, status: { ...made.status, containerStatuses } } as Revision;
  }

  const deploymentOf = (name: string) =>
    server.get<Deployment>(DEPLOYMENTS, { namespace: 'demo', name: deploymentName(name) }) as Deployment;
  const requestOf = (name: string) =>
    deploymentOf(name).spec?.template.spec?.containers[0]?.resources?.requests?.cpu;

  /** The cluster's part: so many instances of the present template, all of them ready. */
  function becomeReady(name: string, replicas: number): void {
    const deployment = deploymentOf(name);
    const { generation = 1 } = deployment.metadata;
    server.put({
      ...deployment,
      spec: { ...deployment.spec, replicas },
      status: {
        observedGeneration: generation,
        replicas,
        updatedReplicas: replicas,
        readyReplicas: replicas,
        availableReplicas: replicas,
      },
    } as Deployment);
  }

  /** Starts the controller again and waits until it has looked at every revision. */
  async function start(config: Config): Promise<void> {
    server.requests = [];
    const seen = await reconciled('revision');
    process = new ServingProcess(server, undefined, config);
    await until(
      'every revision to have been looked at',
      async () => (await reconciled('revision')) >= seen + COUNT,
    );
  }

  const writes = () => server.requests.filter((seen) => isWrite(seen) && seen.path.includes('/deployments/'));
  const requests = () => new Set(NAMES.map(requestOf));

  it('keeps its pod template, all fifty of them', async () => {
    const kept = requests();
    await start(after);
    assert.deepEqual(requests(), kept);
    assert.deepEqual(writes(), []);
  });

  it('keeps it after an upgrade from a release that wrote no hash of it', async () => {
    const kept = requests();
    for (const name of NAMES) {
      const { metadata, ...rest } = deploymentOf(name);
      const { 'homerun.dev/template-hash': _, ...annotations } = metadata.annotations ?? {};
      server.put({ ...rest, metadata: { ...metadata, annotations } });
    }
    await start(after);
    assert.deepEqual(requests(), kept);
    assert.deepEqual(writes(), []);
  });

  it('gets the new one once it has no instances', async () => {
    await start(after);
    const [first = '', second = ''] = NAMES;
    await server.client.mergePatch(
      DEPLOYMENTS,
      { namespace: 'demo', name: deploymentName(first) },
      { spec: { replicas: 0 } },
      { subresource: 'scale' },
    );
    await until('the new template', () => requestOf(first) === '500m');
    assert.equal(requestOf(second), '100m');
    assert.equal(writes().length, 2, 'the scale, and the template');
  });

  it('is put right again when a person edits its template', async () => {
    await start(before);
    const [name = ''] = NAMES;
    const ref = { namespace: 'demo', name: deploymentName(name) };
    const edited = structuredClone(deploymentOf(name).spec?.template);
    for (const container of edited?.spec?.containers ?? []) container.image = 'somebody/else:1';
    await server.client.mergePatch(DEPLOYMENTS, ref, { spec: { template: edited } });
    await until('the image', () => deploymentOf(name).spec?.template.spec?.containers[0]?.image === PINNED);
  });

  it('gets the new one where a person restarts it', async () => {
    await start(after);
    const [name = ''] = NAMES;
    const deployment = deploymentOf(name);
    const status = { ...deployment.status, replicas: 2, updatedReplicas: 1 };
    server.put({ ...deployment, status } as Deployment);
    await until('the new template', () => requestOf(name) === '500m');
  });

  it('is rolled out at the pace that the chart asks for, the next when the former is ready', async () => {
    const limit = 3;
    const rolling = new Set<string>();
    const rolled: string[] = [];
    let most = 0;
    server.storage.listeners.add(({ type, before: old, after: made }) => {
      const isChange = type.kind === 'Deployment' && old !== undefined;
      if (!isChange || made.metadata.generation === old.metadata.generation) return;
      const name = made.metadata.name.replace(/-deployment$/, '');
      rolling.add(name);
      rolled.push(name);
      most = Math.max(most, rolling.size);
    });
    await start(parseConfig({ instance: { ...changed, maxRollOuts: limit } }));
    for (let done = 0; done < COUNT; done++) {
      const wanted = Math.min(limit, COUNT - done);
      await until(`${wanted} under way`, () => rolling.size === wanted);
      const [name = ''] = rolling;
      rolling.delete(name);
      becomeReady(name, 1);
    }
    assert.equal(most, limit);
    assert.equal(rolled.length, COUNT);
    assert.deepEqual(new Set(rolled), new Set(NAMES));
    assert.deepEqual(requests(), new Set(['500m']));
    const reported = () => server.list(EVENTS).filter(({ reason }) => reason === 'InstancesReplaced');
    await until('an Event for each', () => reported().length === COUNT);
    assert.ok(reported().every(({ count }) => count === 1));
  });
});
