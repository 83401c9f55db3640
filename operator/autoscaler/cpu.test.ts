import assert from 'node:assert/strict';
import { BOOST_ANNOTATION } from '../apis/serving/revision/boost.ts';
import type { Pod } from '../kube/core.ts';
import type { ResourceType } from '../kube/types.ts';
import { FakeApiServer, Rejection } from '../testing/fakeApiServer.ts';
import { silent } from '../testing/until.ts';
import { CpuReader, cpuOf, type PodMetrics, podCpus } from './cpu.ts';

const NOON = Date.parse('2026-01-01T12:00:00Z');

function pod(name: string, readyAt: string | undefined, deleted = false): Pod {
  const conditions = readyAt ? [{ type: 'Ready', status: 'True', lastTransitionTime: readyAt }] : [];
  return {
    metadata: { name, namespace: 'n', ...(deleted && { deletionTimestamp: '2026-01-01T12:00:00Z' }) },
    status: { conditions },
  } as unknown as Pod;
}

function boosted(name: string, readyAt: string): Pod {
  const made = pod(name, readyAt);
  return { ...made, metadata: { ...made.metadata, annotations: { [BOOST_ANNOTATION]: '{}' } } };
}

function metrics(name: string, timestamp: string, ...cpu: string[]): PodMetrics {
  const containers = cpu.map((used, index) => ({ name: String(index), usage: { cpu: used } }));
  return { metadata: { name, namespace: 'n' }, timestamp, window: '15s', containers } as PodMetrics;
}

describe('cpuOf', () => {
  const early = '2026-01-01T11:00:00Z';
  const cases: Record<string, { pods: Pod[]; items: PodMetrics[]; want: object; reason: string }> = {
    'all measured': {
      pods: [pod('a', early), pod('b', early)],
      items: [
        metrics('a', '2026-01-01T11:59:50Z', '250m', '50000000n'),
        metrics('b', '2026-01-01T11:59:50Z', '1'),
      ],
      want: { cores: 1.3, unmeasured: 0 },
      reason: 'the sum over instances and their containers',
    },
    'measured while it started': {
      pods: [pod('a', '2026-01-01T11:59:40Z')],
      items: [metrics('a', '2026-01-01T11:59:50Z', '2')],
      want: { cores: 0, unmeasured: 1 },
      reason: 'the 15 s before 11:59:50 began before it was ready',
    },
    'measured while its CPU was boosted': {
      pods: [boosted('a', '2026-01-01T11:59:30Z'), boosted('b', '2026-01-01T11:59:20Z')],
      items: [metrics('a', '2026-01-01T11:59:50Z', '2'), metrics('b', '2026-01-01T11:59:50Z', '500m')],
      want: { cores: 0.5, unmeasured: 1 },
      reason: 'what it used of the boost, ten seconds after its start, is more than its limit and no load',
    },
    'not ready': {
      pods: [pod('a', undefined)],
      items: [metrics('a', '2026-01-01T11:59:50Z', '2')],
      want: { cores: 0, unmeasured: 0 },
      reason: 'starting is no load',
    },
    terminating: {
      pods: [pod('a', early, true)],
      items: [metrics('a', '2026-01-01T11:59:50Z', '2')],
      want: { cores: 0, unmeasured: 0 },
      reason: 'it takes no more requests',
    },
    stale: {
      pods: [pod('a', early)],
      items: [metrics('a', '2026-01-01T11:50:00Z', '2')],
      want: { cores: 0, unmeasured: 1 },
      reason: 'ten minutes ago is not now',
    },
    missing: {
      pods: [pod('a', early)],
      items: [],
      want: { cores: 0, unmeasured: 1 },
      reason: 'nothing is known',
    },
    broken: {
      pods: [pod('a', early)],
      items: [metrics('a', '2026-01-01T11:59:50Z', 'lots')],
      want: { cores: 0, unmeasured: 1 },
      reason: 'what does not parse is not known',
    },
  };
  for (const [name, { pods, items, want, reason }] of Object.entries(cases)) {
    it(name, () => assert.deepEqual(cpuOf(pods, podCpus(items), NOON), want, reason));
  }
});

const POD_METRICS: ResourceType<PodMetrics> = {
  apiVersion: 'metrics.k8s.io/v1beta1',
  kind: 'PodMetrics',
  plural: 'pods',
  namespaced: true,
};

describe('CpuReader', () => {
  let server: FakeApiServer | undefined;
  const start = async (types: ResourceType[]) => {
    server = await FakeApiServer.start({ types });
    return {
      server,
      reader: new CpuReader({ client: server.client, labelSelector: 'role=instance', log: silent }),
    };
  };
  afterEach(() => server?.close());

  it('ignores CPU on a cluster without metrics, and reads every ten seconds', async () => {
    const { server, reader } = await start([]);
    for (let ms = 0; ms <= 10_000; ms += 1000) await reader.poll(NOON + ms);
    assert.deepEqual(reader.use, { state: 'absent' });
    assert.equal(server.requests.filter(({ path }) => path.startsWith('/apis/metrics.k8s.io/')).length, 2);
  });

  it('reads the instances alone, and reports their use lost when a later read fails', async () => {
    const { server, reader } = await start([POD_METRICS]);
    const kind = { apiVersion: POD_METRICS.apiVersion, kind: POD_METRICS.kind };
    const instance = metrics('a', '2026-01-01T11:59:50Z', '1');
    server.put({ ...instance, ...kind, metadata: { ...instance.metadata, labels: { role: 'instance' } } });
    server.put({ ...metrics('b', '2026-01-01T11:59:50Z', '1'), ...kind });
    await reader.poll(NOON);
    assert.deepEqual(reader.use.state === 'known' && [...reader.use.pods.keys()], ['n/a']);
    server.failNext(new Rejection(500, 'InternalError', 'down'));
    await reader.poll(NOON + 10_000);
    assert.deepEqual(reader.use, { state: 'lost' });
    await reader.poll(NOON + 20_000);
    assert.equal(reader.use.state, 'known');
  });

  it('takes no answer yet, and an error of a new controller, for a loss too', async () => {
    const { server, reader } = await start([POD_METRICS]);
    assert.deepEqual(reader.use, { state: 'lost' }, 'spare instances stay until it is known what they use');
    server.failNext(new Rejection(503, 'ServiceUnavailable', 'the server is currently unable'));
    await reader.poll(NOON);
    assert.deepEqual(reader.use, { state: 'lost' }, 'metrics-server is registered and down');
    await reader.poll(NOON + 10_000);
    assert.equal(reader.use.state, 'known');
  });

  it('reads only the configured namespaces', async () => {
    const { server } = await start([POD_METRICS]);
    const { client } = server;
    const reader = new CpuReader({
      client,
      labelSelector: 'role=instance',
      namespaces: ['n', 'm'],
      log: silent,
    });
    const kind = { apiVersion: POD_METRICS.apiVersion, kind: POD_METRICS.kind };
    for (const namespace of ['n', 'm', 'other']) {
      const measured = metrics('a', '2026-01-01T11:59:50Z', '1');
      server.put({ ...measured, ...kind, metadata: { name: 'a', namespace, labels: { role: 'instance' } } });
    }
    await reader.poll(NOON);
    assert.deepEqual(reader.use.state === 'known' && [...reader.use.pods.keys()], ['n/a', 'm/a']);
  });
});
