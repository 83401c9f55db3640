import assert from 'node:assert/strict';
import { once } from 'node:events';
import { SERVING } from '../../apis/labels.ts';
import type { Pod } from '../../kube/core.ts';
import type { FollowOptions } from '../../probe/readiness.ts';
import { silent, until } from '../../testing/until.ts';
import { compilePod } from './compile.ts';
import { Instances } from './instances.ts';
import { RouteTable } from './routeTable.ts';

const REVISION = 'ns/hello-1';
const compiled = {
  limit: 80,
  timeoutMs: 1000,
  protocol: 'http1' as const,
  port: 8080,
  check: { attempt: { kind: 'tcp' as const, port: 8080, timeoutMs: 1000 }, delayMs: 0 },
};

type Containers = NonNullable<Pod['spec']>['containers'];

function pod(containers: Containers, ready: boolean): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'ns', name: 'p1', uid: 'p1', labels: { [SERVING.revision]: 'hello-1' } },
    spec: { containers },
    status: {
      phase: 'Running',
      podIP: '10.0.0.1',
      containerStatuses: containers.map(({ name, image = '' }) => {
        return { name, image, imageID: '', restartCount: 0, containerID: `c-${name}`, ready };
      }),
    },
  };
}

/** Every startup probe passes at once, so that only the readiness probe decides. */
describe('Instances', () => {
  const readinessProbe = { exec: { command: ['ready'] } };
  let table: RouteTable;
  let instances: Instances;
  /** Requests in flight in the only instance, requests that wait, and the table that the data threads use. */
  let inFlight = 0;
  let waiting = 0;
  let applied = Number.POSITIVE_INFINITY;
  const counts = { applied: () => applied, inFlight: () => inFlight, waiting: () => waiting };
  const see = (object: Pod) => instances.setPod('ns/p1', compilePod(object));
  const serving = () => [...table.snapshot().instances].filter(([, entry]) => entry).length;

  beforeEach(() => {
    inFlight = 0;
    waiting = 0;
    applied = Number.POSITIVE_INFINITY;
    table = new RouteTable();
    instances = new Instances({ table, counts, startLimitMs: 1000, log: silent, probe: async () => true });
    instances.setRevision(REVISION, compiled);
  });

  it('sends to no pod of an earlier revision of the same name or of none, and does not count them', async () => {
    const of = (uid: string | undefined) => {
      const made = pod([{ name: 'user' }], true);
      const labels = { ...made.metadata.labels, ...(uid ? { [SERVING.revisionUID]: uid } : {}) };
      return { ...made, metadata: { ...made.metadata, uid: `p-${uid}`, labels } };
    };
    see(of('first'));
    await until('it serves', () => serving() === 1);
    instances.setRevision(REVISION, { ...compiled, uid: 'second' });
    assert.deepEqual([serving(), instances.count(REVISION), instances.usable(REVISION)], [0, 0, 0]);
    see(of(undefined));
    assert.equal(instances.count(REVISION), 0);
    see(of('second'));
    await until('it serves', () => serving() === 1);
    assert.equal(instances.count(REVISION), 1);
  });

  it('reports how far an instance is: its address, its container, its start', async () => {
    const seen: string[] = [];
    let pass: (() => void) | undefined;
    instances = new Instances({
      table,
      counts,
      startLimitMs: 1000,
      log: silent,
      placed: ({ ip, container }) => seen.push(`${ip} ${container}`),
      started: ({ uid }) => seen.push(`${uid} started`),
      probe: () =>
        new Promise((resolve) => {
          pass = () => resolve(true);
        }),
    });
    instances.setRevision(REVISION, compiled);
    const running = pod([{ name: 'user' }], true);
    const { podIP, containerStatuses } = running.status ?? {};
    see({ ...running, status: {} });
    see({ ...running, status: { podIP } });
    see({ ...running, status: { podIP, phase: 'Pending' } });
    see({ ...running, status: { podIP, containerStatuses } });
    pass?.();
    await until('it has started', () => seen.includes('p1 started'));
    see({ ...running, status: { podIP, containerStatuses, phase: 'Running' } });
    assert.deepEqual(seen, ['10.0.0.1 undefined', '10.0.0.1 c-user', 'p1 started']);
  });

  it('lets requests wait for the start limit while the start time is unknown, unless the start fails', () => {
    const limit = () => table.entries.get(REVISION)?.queueLimitMs;
    instances = new Instances({
      table,
      counts,
      startLimitMs: 240_000,
      log: silent,
      probe: () => new Promise(() => {}),
    });
    instances.setRevision(REVISION, compiled);
    see(pod([{ name: 'user' }], false));
    assert.equal(limit(), 240_000);
    instances.setRevision(REVISION, { ...compiled, failing: 'ExitCode1' });
    assert.equal(limit(), 10_000);
    instances.setRevision(REVISION, compiled);
    assert.equal(limit(), 240_000);
  });

  it('sends to an instance that the kubelet does not call ready yet', async () => {
    see(pod([{ name: 'user' }], false));
    await until('it serves', () => serving() === 1);
  });

  for (const [where, containers] of Object.entries<Containers>({
    'the ingress container, run by the kubelet,': [{ name: 'user', readinessProbe }],
    'a sidecar': [
      { name: 'user', ports: [{ containerPort: 8080 }] },
      { name: 'aside', readinessProbe },
    ],
  })) {
    it(`sends nothing to an instance while a readiness probe of ${where} fails`, async () => {
      see(pod(containers, false));
      await new Promise(setImmediate);
      assert.equal(serving(), 0, 'before it has passed');
      see(pod(containers, true));
      await until('it serves', () => serving() === 1);
      see(pod(containers, false));
      assert.equal(serving(), 0, 'once it fails again');
      assert.equal(instances.count(REVISION), 1, 'it is still there, so no other is asked for');
      see(pod(containers, true));
      await until('it serves again', () => serving() === 1);
    });
  }

  describe('of a revision whose readiness probe the gateway runs', () => {
    const attempt = { kind: 'http' as const, port: 8080, path: '/ready', headers: {}, timeoutMs: 1000 };
    const readiness = { attempt, delayMs: 0, periodMs: 10_000, successThreshold: 1, failureThreshold: 3 };
    /** The container of a pod whose template is older: the kubelet probes it too. */
    const both: Containers = [{ name: 'user', readinessProbe: { httpGet: { path: '/ready', port: 8080 } } }];
    let followed: { host: string; options: FollowOptions }[];
    let startLimitMs: number[];

    beforeEach(() => {
      followed = [];
      startLimitMs = [];
      instances = new Instances({
        table,
        counts,
        startLimitMs: 1000,
        log: silent,
        probe: async (_host, _check, { limitMs }) => {
          startLimitMs.push(limitMs);
          return true;
        },
        follow: (host, check, options) => {
          assert.equal(check, readiness);
          followed.push({ host, options });
          return once(options.signal, 'abort').then(() => {});
        },
      });
      instances.setRevision(REVISION, { ...compiled, readiness });
    });

    const begun = (times: number) =>
      until('it is followed', () => followed.length === times && followed.at(-1)?.options);

    it('sends an instance requests while it is ready, whatever the kubelet says', async () => {
      see(pod(both, false));
      const { onChange } = await begun(1);
      assert.deepEqual([followed[0]?.host, serving()], ['10.0.0.1', 0]);
      onChange(true);
      assert.equal(serving(), 1);
      see(pod(both, true));
      onChange(false);
      assert.deepEqual([serving(), instances.count(REVISION), instances.usable(REVISION)], [0, 1, 1]);
      onChange(true);
      assert.deepEqual([serving(), startLimitMs.length], [1, 1]);
    });

    it('begins anew with an instance that restarts, is unreachable or whose sidecar is not ready', async () => {
      const aside = { name: 'aside', readinessProbe };
      const ports = [{ containerPort: 8080 }];
      see(pod([{ name: 'user', ports }, aside], true));
      (await begun(1)).onChange(true);
      instances.unreachable(0, 'refused');
      assert.deepEqual([serving(), followed[0]?.options.signal.aborted], [0, true]);
      (await begun(2)).onChange(true);
      assert.equal(serving(), 1);
      see(pod([{ name: 'user', ports }, aside], false));
      assert.deepEqual([serving(), followed[1]?.options.signal.aborted], [0, true]);
      see(pod([{ name: 'user', ports }, aside], true));
      (await begun(3)).onChange(true);
      (await begun(3)).onChange(false);
      instances.setPod('ns/p1', undefined);
      assert.equal(followed[2]?.options.signal.aborted, true);
    });

    it('lets requests wait for a start while the first one is not ready, and as without instances later', async () => {
      const limit = () => table.entries.get(REVISION)?.queueLimitMs;
      instances.setPod('ns/p1', compilePod(pod(both, true)), true);
      const { onChange } = await begun(1);
      assert.equal(limit(), 10_000);
      onChange(true);
      onChange(false);
      assert.equal(limit(), 10_000);
    });

    it('ends all probes when the gateway ends', async () => {
      see(pod(both, true));
      const { signal } = await begun(1);
      instances.close();
      assert.ok(signal.aborted);
    });
  });

  it('tracks an instance without a row once there is a free one', async () => {
    const small = new Instances({
      table,
      counts,
      startLimitMs: 1000,
      log: silent,
      probe: async () => true,
      max: 1,
    });
    small.setRevision(REVISION, compiled);
    const named = (name: string) => {
      const object = pod([{ name: 'user' }], true);
      return compilePod({ ...object, metadata: { ...object.metadata, name, uid: name } });
    };
    small.setPod('ns/one', named('one'));
    small.setPod('ns/two', named('two'));
    assert.equal(small.unserved, 1);
    small.setPod('ns/one', undefined);
    small.sweep();
    small.ids.reclaim(Number.POSITIVE_INFINITY, () => true);
    small.retryUnserved();
    assert.equal(small.unserved, 0);
    await until('the other serves', () => serving() === 1);
  });

  it('sends nothing to an instance that is drained, also when it is named before it is seen', async () => {
    instances.setDrained('p1', true);
    see(pod([{ name: 'user' }], true));
    await new Promise(setImmediate);
    assert.deepEqual([serving(), instances.count(REVISION), instances.usable(REVISION)], [0, 1, 0]);
    instances.setDrained('p1', false);
    assert.deepEqual([serving(), instances.usable(REVISION)], [1, 1]);
    instances.setDrained('p1', true);
    assert.equal(serving(), 0);
  });

  it('reports an instance empty when no data thread sends to it and no request is in flight', async () => {
    see(pod([{ name: 'user' }], true));
    await until('it serves', () => serving() === 1);
    applied = table.take()?.version ?? assert.fail();
    assert.equal(instances.isEmpty('p1'), false, 'a request may come at any moment');
    inFlight = 1;
    instances.setDrained('p1', true);
    assert.equal(instances.isEmpty('p1'), false, 'the data threads do not know yet');
    applied = table.take()?.version ?? assert.fail();
    assert.equal(instances.isEmpty('p1'), false, 'a request is in flight');
    inFlight = 0;
    assert.equal(instances.isEmpty('p1'), true);
  });

  it('counts the requests of a terminating instance until the last has ended', async () => {
    see(pod([{ name: 'user' }], true));
    await until('it serves', () => serving() === 1);
    inFlight = 1;
    instances.setPod('ns/p1', undefined);
    instances.sweep();
    assert.deepEqual([serving(), instances.count(REVISION)], [0, 0]);
    assert.deepEqual([...instances.of(REVISION)], [{ slot: 0, pod: 'p1', uid: 'p1' }]);
    assert.ok(table.entries.has(REVISION), 'what is counted has a row');
    assert.equal(instances.isEmpty('p1'), false);
    inFlight = 0;
    instances.sweep();
    assert.deepEqual([[...instances.of(REVISION)], table.entries.has(REVISION)], [[], false]);
  });
});
