import assert from 'node:assert/strict';
import { IDLE_CPU_ANNOTATION } from '../apis/serving/revision/idleCpu.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Deployment, Pod } from '../kube/core.ts';
import { KubeError } from '../kube/errors.ts';
import { EPOCH } from '../testing/serving.ts';
import { silent } from '../testing/until.ts';
import type { Decision } from './decide.ts';
import type { Entry } from './entry.ts';
import { IdleCpuWriter, type Seen } from './idleCpuWriter.ts';
import { revision } from './testing/objects.ts';
import { MINUTE, SECOND } from './testing/simulation.ts';

const TOLD = { [IDLE_CPU_ANNOTATION]: '{"app":"100m"}' };
const resources = (cpu: string) => ({ limits: { cpu: '1' }, requests: { cpu } });

describe('IdleCpuWriter', () => {
  const deployment = {
    spec: { template: { spec: { containers: [{ name: 'app', resources: resources('100m') }] } } },
  } as unknown as Deployment;
  const idle = { state: { lastActivityAt: EPOCH - MINUTE }, load: { complete: true } } as Decision;
  const request = { present: 1, mean: 1, lastRequestAt: EPOCH, instances: new Map() };
  let pods: Pod[];
  let written: string[];
  /** The annotations that were written, and the number of resizes before each. */
  let told: [annotation: unknown, resizes: number][];
  let entry: Entry;
  let answer: () => Promise<unknown>;

  function putPods(count: number, cpu: string, annotations: object = TOLD): void {
    const lastTransitionTime = new Date(EPOCH - MINUTE).toISOString();
    const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime }];
    pods = Array.from({ length: count }, (_, index) => ({
      metadata: { name: `pod-${index}`, namespace: 'n', uid: `${index}`, annotations },
      spec: { containers: [{ name: 'app', resources: resources(cpu) }] },
      status: { conditions },
    })) as unknown as Pod[];
  }

  beforeEach(() => {
    written = [];
    told = [];
    entry = {} as Entry;
    answer = async () => ({});
  });

  function writerOf(lowers = true): (now: number, seen?: Partial<Seen>) => Promise<number> {
    const client = {
      request: (_: string, path: string) => {
        written.push(path);
        return answer();
      },
      mergePatch: async (_: unknown, __: unknown, { metadata }: Pod) => {
        told.push([metadata.annotations?.[IDLE_CPU_ANNOTATION], written.length]);
      },
    } as unknown as KubeClient;
    let today = EPOCH;
    const writer = new IdleCpuWriter({
      client,
      lowers,
      podsOf: () => pods,
      today: () => today,
      log: silent,
    });
    return async (now, seen) => {
      today = now;
      const before = written.length;
      writer.begin(now);
      const round = { revision: revision(), deployment, requests: undefined, decision: idle, ...seen };
      await Promise.all([...writer.visit(entry, round, now)]);
      return written.length - before;
    };
  }

  it('lowers ten a round, each once, and restores all at once', async () => {
    const round = writerOf();
    putPods(25, '100m');
    const counts = [];
    // The cache shows none of it meanwhile.
    for (const second of [0, 1, 2, 3]) counts.push(await round(EPOCH + second * SECOND));
    assert.deepEqual(counts, [10, 10, 5, 0]);
    putPods(25, '1m');
    assert.equal(await round(EPOCH + 4 * SECOND, { requests: request }), 25);
    assert.equal(written[0], '/api/v1/namespaces/n/pods/pod-0/resize');
  });

  it('tells the gateways before it lowers a request', async () => {
    putPods(1, '100m', {});
    assert.equal(await writerOf()(EPOCH), 1);
    assert.deepEqual(told, [['{"app":"100m"}', 0]]);
  });

  it('goes on restoring after the request that was seen, when a write has failed', async () => {
    const round = writerOf();
    putPods(1, '1m');
    answer = () => Promise.reject(new KubeError('down', { code: 'KUBE_UNREACHABLE' }));
    assert.equal(await round(EPOCH, { requests: request }), 1);
    assert.deepEqual([await round(EPOCH + 9 * SECOND), await round(EPOCH + 10 * SECOND)], [0, 1]);
  });

  it('asks the cluster once a minute for what its rules reject', async () => {
    const round = writerOf();
    putPods(1, '100m');
    answer = () => Promise.reject(new KubeError('quota', { code: 'KUBE_FORBIDDEN' }));
    const counts = [];
    for (const second of [0, 30, 59, 60]) counts.push(await round(EPOCH + second * SECOND));
    assert.deepEqual(counts, [1, 0, 0, 1]);
  });

  it('writes nothing while a write for the instance is under way', async () => {
    const round = writerOf();
    putPods(1, '100m');
    const { promise, resolve } = Promise.withResolvers();
    answer = () => promise;
    const first = round(EPOCH);
    putPods(1, '1m');
    assert.equal(await round(EPOCH + SECOND, { requests: request }), 0);
    resolve({});
    await first;
    assert.equal(await round(EPOCH + SECOND, { requests: request }), 1);
  });

  const cases: Record<string, { lowers?: boolean; cpu: string; seen?: Partial<Seen>; writes: number }> = {
    'with instance-based billing': { cpu: '100m', seen: { revision: unthrottled('false') }, writes: 0 },
    'with request-based billing': { cpu: '100m', seen: { revision: unthrottled('true') }, writes: 1 },
    'when it is switched off': { lowers: false, cpu: '100m', writes: 0 },
    'when it was switched off, for a request': {
      lowers: false,
      cpu: '1m',
      seen: { requests: request },
      writes: 1,
    },
    'without a decision': { cpu: '100m', seen: { decision: undefined }, writes: 0 },
  };
  for (const [name, { lowers, cpu, seen, writes }] of Object.entries(cases)) {
    it(`writes ${writes === 0 ? 'nothing' : 'once'} ${name}`, async () => {
      putPods(1, cpu);
      assert.equal(await writerOf(lowers)(EPOCH, seen), writes);
    });
  }

  function unthrottled(value: string) {
    const made = revision();
    const annotations = { 'run.googleapis.com/cpu-throttling': value };
    return { ...made, metadata: { ...made.metadata, annotations } };
  }
});
