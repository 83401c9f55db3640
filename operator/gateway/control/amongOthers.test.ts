import assert from 'node:assert/strict';
import { PODS, type Pod } from '../../kube/core.ts';
import { createLogger } from '../../telemetry/log.ts';
import { FakeApiServer } from '../../testing/fakeApiServer.ts';
import { until } from '../../testing/until.ts';
import type { Declaration } from './declaration.ts';
import { Replicas } from './replicas.ts';

const NAMESPACE = 'sys';
const REVISION = 'ns/hello-1';
const INSTANCE = 'uid-of-instance';

const gatewayPod = (name: string, ready: boolean): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    namespace: NAMESPACE,
    name,
    uid: name,
    labels: { 'app.kubernetes.io/name': 'homerun', 'app.kubernetes.io/component': 'gateway' },
  },
  spec: { containers: [{ name: 'gateway', image: 'x', ports: [{ name: 'gateway', containerPort: 1 }] }] },
  status: {
    phase: 'Running',
    conditions: ready ? [{ type: 'Ready', status: 'True' }] : [],
    containerStatuses: [
      {
        name: 'gateway',
        ready,
        image: 'x',
        imageID: 'x',
        restartCount: 0,
        state: { running: { startedAt: new Date().toISOString() } },
      },
    ],
  },
});

describe('a gateway among others', () => {
  let api: FakeApiServer;
  let replicas: Replicas;
  const reserved = new Map<number, number>();
  /** What the data threads follow of the table. */
  const table = { pending: 0, applied: 0 };

  /** The other gateway owns nothing and has a request in the instance. */
  const declaration = (at: number): Declaration => ({
    from: 'other',
    life: 1,
    sequence: 1,
    awaits: true,
    members: ['own'],
    held: { [REVISION]: { [INSTANCE]: 1 } },
    leaving: false,
    at,
  });

  /** It follows all. */
  const declare = async (at: number): Promise<void> => {
    const { life, sequence } = await replicas.answer(declaration(at));
    await replicas.answer({ ...declaration(at + 1), follows: { life, sequence, at } });
  };

  const see = (...pods: Pod[]): void => {
    for (const pod of pods) api.put(pod);
    replicas.setPods(pods);
  };

  beforeEach(async () => {
    api = await FakeApiServer.start({ types: [PODS] });
    reserved.clear();
    Object.assign(table, { pending: 0, applied: 0 });
    replicas = new Replicas({
      client: api.client,
      namespace: NAMESPACE,
      podName: 'own',
      log: createLogger('gateway', 'silent'),
      fenceMs: 1000,
      dispatching: {
        revisions: () => [{ key: REVISION, limit: 1 }],
        instancesOf: () => [{ uid: INSTANCE, slot: 0, inFlight: 0 }],
        reserve: (_revision, slot, count) => reserved.set(slot, count),
        placementsChanged: () => {},
        pendingVersion: () => table.pending,
        applied: () => table.applied,
        fence: () => {
          table.pending++;
        },
      },
    });
    see(gatewayPod('own', true), gatewayPod('other', false));
    await replicas.joined;
    await declare(1);
  });

  afterEach(async () => {
    await replicas.close();
    await api.close();
  });

  it('keeps slots free that others hold, while it sends requests to the instance', () => {
    assert.equal(replicas.placementOf(REVISION, 1), 'instances');
    assert.equal(replicas.heldByOthers(REVISION, INSTANCE), 1);
    assert.equal(reserved.get(0), 1);
  });

  it('begins another life after a fence, once its requests have been aborted', async () => {
    const { life } = await replicas.answer(declaration(3));
    api.failNext('reset', () => true, Number.POSITIVE_INFINITY);
    await until('it is fenced', () => table.pending === 1);
    assert.equal(replicas.placementOf(REVISION, 1), 'nowhere');
    assert.equal(
      (await replicas.answer(declaration(4))).life,
      life,
      'the data threads have not aborted them',
    );
    table.applied = 1;
    await until('it does', async () => (await replicas.answer(declaration(5))).life > life);
  });

  it('keeps none free where another one sends the requests, for nothing would free them again', async () => {
    see(gatewayPod('own', false), gatewayPod('other', true));
    await until('another gateway is the owner', () => replicas.placementOf(REVISION, 1) !== 'instances');
    assert.equal(replicas.heldByOthers(REVISION, INSTANCE), 0);
    assert.equal(reserved.get(0), 0);
  });
});
