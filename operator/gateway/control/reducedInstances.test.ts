import assert from 'node:assert/strict';
import { SERVING } from '../../apis/labels.ts';
import { IDLE_CPU_ANNOTATION } from '../../apis/serving/revision/idleCpu.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Pod } from '../../kube/core.ts';
import { KubeError, type KubeErrorCode } from '../../kube/errors.ts';
import { silent, until } from '../../testing/until.ts';
import { compilePod } from './compile.ts';
import { Instances } from './instances.ts';
import { ReducedInstances } from './reducedInstances.ts';
import { RouteTable } from './routeTable.ts';

const compiled = {
  limit: 80,
  timeoutMs: 1_000_000,
  protocol: 'http1' as const,
  port: 8080,
  check: { attempt: { kind: 'tcp' as const, port: 8080, timeoutMs: 1000 }, delayMs: 0 },
};

/** What is asked for an instance, and what the kubelet has given it. */
const FULL = ['100m', '100m'];
const LOWERED = ['1m', '1m'];
const ASKED = ['100m', '2m'];

function podOf(name: string, revision: string, [asked, given]: string[], observed?: number): Pod {
  const requests = (cpu?: string) => ({ requests: { cpu } });
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace: 'ns',
      name,
      uid: name,
      generation: 1,
      labels: { [SERVING.revision]: revision },
      annotations: { [IDLE_CPU_ANNOTATION]: '{"app":"100m"}' },
    },
    spec: { containers: [{ name: 'app', resources: requests(asked) }] },
    status: {
      phase: 'Running',
      podIP: '10.0.0.1',
      observedGeneration: observed,
      containerStatuses: [{ name: 'app', containerID: 'c', ready: true, resources: requests(given) }],
    },
  } as unknown as Pod;
}

describe('ReducedInstances', () => {
  let table: RouteTable;
  let instances: Instances;
  let reduced: ReducedInstances;
  /** Names of the pods whose resize was asked for. */
  let asked: string[];
  let outcomes: string[];
  let failure: KubeErrorCode | undefined;
  let now: number;
  const inFlight = new Map<number, number>();
  const waiting = new Map<string, number>();

  const begin = (limitMs = 60_000) => {
    table = new RouteTable();
    const counts = {
      applied: () => Number.POSITIVE_INFINITY,
      inFlight: (slot: number) => inFlight.get(slot) ?? 0,
      waiting: (revision: string) => waiting.get(revision) ?? 0,
    };
    const client = {
      request: async (_: string, path: string) => {
        asked.push(path.split('/').at(-2) as string);
        if (failure) throw new KubeError('no', { code: failure });
      },
    } as unknown as KubeClient;
    reduced = new ReducedInstances({
      client,
      limitMs,
      counts,
      timeoutMs: (revision) => table.entries.get(revision)?.timeoutMs,
      ended: (outcome) => outcomes.push(outcome),
      log: silent,
      now: () => now,
    });
    instances = new Instances({
      table,
      counts,
      startLimitMs: 1000,
      log: silent,
      probe: async () => true,
      seen: (tracked, before) => reduced.see(tracked, before),
      left: (tracked) => reduced.forget(tracked),
    });
    for (const revision of ['ns/a', 'ns/b']) instances.setRevision(revision, compiled);
  };
  const see = (name: string, revision: string, cpu: string[], observed?: number) =>
    instances.setPod(`ns/${name}`, compilePod(podOf(name, revision, cpu, observed)));
  const serving = () => table.snapshot().instances.flatMap(([, entry]) => (entry ? [entry.pod] : []));
  /** Lets the instance pass its startup probe before anything happens to it. */
  const started = async (name: string, revision = 'a') => {
    see(name, revision, FULL);
    await until('it serves', () => serving().includes(name));
  };
  const lowered = async (name: string, revision = 'a') => {
    await started(name, revision);
    see(name, revision, LOWERED);
  };
  const released = () => until('its limit has passed', () => outcomes.includes('limit'));
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  beforeEach(() => {
    [asked, outcomes, failure, now] = [[], [], undefined, 0];
    inFlight.clear();
    waiting.clear();
    begin();
  });

  it('holds requests back until the kubelet has given what is asked for', async () => {
    await lowered('p1');
    assert.deepEqual([serving(), asked], [[], []], 'nothing needs it yet');
    reduced.wanted('ns/a');
    assert.deepEqual([serving(), asked], [[], ['p1']]);
    see('p1', 'a', ASKED);
    assert.deepEqual([serving(), outcomes], [[], []]);
    see('p1', 'a', FULL);
    assert.deepEqual([serving(), outcomes], [['p1'], ['restored']]);
  });

  it('does not take what the kubelet shows from before both changes for what it has', async () => {
    await lowered('p1');
    reduced.wanted('ns/a');
    see('p1', 'a', FULL, 0);
    assert.deepEqual([serving(), outcomes], [[], []]);
    see('p1', 'a', FULL, 1);
    assert.deepEqual([serving(), outcomes], [['p1'], ['restored']]);
    see('p1', 'a', FULL, 0);
    assert.deepEqual(serving(), ['p1'], 'a change of a full one means nothing');
  });

  it('gives an instance that the controller restores without a request back at once', async () => {
    await lowered('p1');
    see('p1', 'a', FULL);
    assert.deepEqual([serving(), asked, outcomes], [['p1'], [], []]);
  });

  it('knows an instance that was reduced before it started', async () => {
    see('p1', 'a', LOWERED);
    await settled();
    assert.deepEqual(serving(), []);
    see('p1', 'a', FULL);
    assert.deepEqual(serving(), ['p1']);
  });

  it('asks for all instances of the revision, and for no other', async () => {
    await lowered('p1');
    await lowered('p2');
    await lowered('q1', 'b');
    reduced.wanted('ns/a');
    assert.deepEqual(asked, ['p1', 'p2']);
  });

  it('leaves instances to requests that have their CPU', async () => {
    await started('p1');
    await lowered('p2');
    assert.deepEqual([serving(), asked], [['p1'], []]);
    reduced.tick();
    assert.deepEqual(asked, []);
    waiting.set('ns/a', 1);
    reduced.tick();
    assert.deepEqual(asked, ['p2'], 'the others are full');
  });

  it('asks at once for one that was lowered with a request in it', async () => {
    await started('p1');
    const [[slot = -1] = []] = table.snapshot().instances;
    inFlight.set(slot, 1);
    see('p1', 'a', LOWERED);
    assert.deepEqual([serving(), asked], [[], ['p1']]);
  });

  it('notices a request that got in while it was lowered', async () => {
    await started('p1');
    const [[slot = -1] = []] = table.snapshot().instances;
    see('p1', 'a', LOWERED);
    inFlight.set(slot, 1);
    reduced.tick();
    assert.deepEqual(asked, ['p1']);
  });

  it('asks again for what the pod does not show, once a second', async () => {
    await lowered('p1');
    for (const at of [0, 500, 999, 1000]) {
      now = at;
      reduced.wanted('ns/a');
      await settled();
    }
    assert.equal(asked.length, 2);
    now = 2000;
    // The request that waited has left, but what was asked for once must not get lost.
    reduced.tick();
    assert.equal(asked.length, 3);
  });

  const failures: Record<string, { code: KubeErrorCode; at: number[]; times: number }> = {
    'that does not get through': { code: 'KUBE_UNREACHABLE', at: [0, 999, 1000, 2000], times: 3 },
    'that the rules of the cluster reject': {
      code: 'KUBE_FORBIDDEN',
      at: [0, 1000, 59_999, 60_000],
      times: 2,
    },
  };
  for (const [name, { code, at, times }] of Object.entries(failures)) {
    it(`repeats a resize ${name}`, async () => {
      await lowered('p1');
      failure = code;
      for (const time of at) {
        now = time;
        reduced.wanted('ns/a');
        await settled();
      }
      assert.equal(asked.length, times);
    });
  }

  describe('when its limit has passed', () => {
    beforeEach(async () => {
      begin(5);
      await lowered('p1');
      failure = 'KUBE_UNREACHABLE';
      reduced.wanted('ns/a');
      await released();
    });

    it('gives the instance requests as it is, and goes on asking', async () => {
      assert.deepEqual([serving(), outcomes], [['p1'], ['limit']]);
      now = 1000;
      reduced.tick();
      assert.deepEqual(asked, ['p1', 'p1']);
      see('p1', 'a', LOWERED);
      assert.deepEqual(serving(), ['p1'], 'a change of anything else takes it back not');
      see('p1', 'a', ASKED);
      see('p1', 'a', FULL);
      assert.deepEqual([serving(), outcomes], [['p1'], ['limit']], 'it is counted once');
    });

    it('holds requests back again when it has had its CPU and lost it', async () => {
      see('p1', 'a', FULL);
      see('p1', 'a', LOWERED);
      assert.deepEqual(serving(), []);
    });

    it('holds requests back again when it is lowered anew before the kubelet had room', async () => {
      see('p1', 'a', ASKED);
      assert.deepEqual(serving(), ['p1']);
      see('p1', 'a', LOWERED);
      assert.deepEqual(serving(), []);
      reduced.wanted('ns/a');
      await until('its limit has passed again', () => outcomes.length === 2);
      assert.deepEqual(serving(), ['p1']);
    });

    it('holds requests back again when it is lowered anew while the kubelet still follows', async () => {
      see('p1', 'a', FULL, 0);
      see('p1', 'a', LOWERED, 0);
      assert.deepEqual(serving(), []);
    });
  });

  it('waits for half of the time that the revision gives a request, at most', async () => {
    instances.setRevision('ns/a', { ...compiled, timeoutMs: 10 });
    await lowered('p1');
    reduced.wanted('ns/a');
    await released();
    assert.deepEqual(serving(), ['p1']);
  });

  it('asks for none that is being scaled in, until it is taken back', async () => {
    await lowered('p1');
    instances.setDrained('p1', true);
    reduced.wanted('ns/a');
    assert.deepEqual(asked, []);
    instances.setDrained('p1', false);
    reduced.wanted('ns/a');
    assert.deepEqual([asked, serving()], [['p1'], []]);
  });

  it('forgets an instance that terminates while requests wait for it', async () => {
    begin(5);
    await lowered('p1');
    await lowered('p2');
    reduced.wanted('ns/a');
    instances.setPod('ns/p1', undefined);
    await released();
    await settled();
    assert.deepEqual([serving(), outcomes], [['p2'], ['limit']]);
    reduced.wanted('ns/a');
    assert.deepEqual(asked, ['p1', 'p2']);
  });
});
