import assert from 'node:assert/strict';
import { SERVING } from '../apis/labels.ts';
import type { Pod } from '../kube/core.ts';
import { silent, until } from '../testing/until.ts';
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

/** Every start probe passes at once, so that what is left to see is the readiness probe's word. */
describe('Instances', () => {
  const readinessProbe = { exec: { command: ['ready'] } };
  let table: RouteTable;
  let instances: Instances;
  const see = (object: Pod) => instances.setPod('ns/p1', compilePod(object));
  const serving = () => [...table.snapshot().instances].filter(([, entry]) => entry).length;

  beforeEach(() => {
    table = new RouteTable();
    instances = new Instances({ table, startLimitMs: 1000, log: silent, probe: async () => true });
    instances.setRevision(REVISION, compiled);
  });

  it('sends to an instance that the kubelet does not call ready yet', async () => {
    see(pod([{ name: 'user' }], false));
    await until('it serves', () => serving() === 1);
  });

  for (const [where, containers] of Object.entries<Containers>({
    'the ingress container': [{ name: 'user', readinessProbe }],
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

  it('follows an instance that found no free row once there is one', async () => {
    const small = new Instances({ table, startLimitMs: 1000, log: silent, probe: async () => true, max: 1 });
    small.setRevision(REVISION, compiled);
    const named = (name: string) => {
      const object = pod([{ name: 'user' }], true);
      return compilePod({ ...object, metadata: { ...object.metadata, name, uid: name } });
    };
    small.setPod('ns/one', named('one'));
    small.setPod('ns/two', named('two'));
    assert.equal(small.unserved, 1);
    small.setPod('ns/one', undefined);
    small.ids.reclaim(Number.POSITIVE_INFINITY, () => true);
    small.retryUnserved();
    assert.equal(small.unserved, 0);
    await until('the other serves', () => serving() === 1);
  });
});
