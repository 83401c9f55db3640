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

describe('slots that other gateways hold', () => {
  let api: FakeApiServer;
  let replicas: Replicas;
  const reserved = new Map<number, number>();

  /** The other gateway follows all, owns nothing and has a request in the instance. */
  const declare = async (at: number): Promise<void> => {
    const declaration: Declaration = {
      from: 'other',
      life: 1,
      sequence: 1,
      awaits: true,
      members: ['own'],
      held: { [REVISION]: { [INSTANCE]: 1 } },
      leaving: false,
      at,
    };
    const { life, sequence } = await replicas.answer(declaration);
    await replicas.answer({ ...declaration, at: at + 1, follows: { life, sequence, at } });
  };

  const see = (...pods: Pod[]): void => {
    for (const pod of pods) api.put(pod);
    replicas.setPods(pods);
  };

  beforeEach(async () => {
    api = await FakeApiServer.start({ types: [PODS] });
    reserved.clear();
    replicas = new Replicas({
      client: api.client,
      namespace: NAMESPACE,
      podName: 'own',
      log: createLogger('gateway', 'silent'),
      dispatching: {
        revisions: () => [{ key: REVISION, limit: 1 }],
        instancesOf: () => [{ uid: INSTANCE, slot: 0, inFlight: 0 }],
        reserve: (_revision, slot, count) => reserved.set(slot, count),
        placementsChanged: () => {},
        pendingVersion: () => 0,
        applied: () => 0,
        fence: () => {},
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

  it('are kept free while this one sends requests to the instance', () => {
    assert.equal(replicas.placementOf(REVISION, 1), 'instances');
    assert.equal(replicas.heldByOthers(REVISION, INSTANCE), 1);
    assert.equal(reserved.get(0), 1);
  });

  it('are not kept free where another one sends them, for nothing would free them again', async () => {
    see(gatewayPod('own', false), gatewayPod('other', true));
    await until('another gateway is the owner', () => replicas.placementOf(REVISION, 1) !== 'instances');
    assert.equal(replicas.heldByOthers(REVISION, INSTANCE), 0);
    assert.equal(reserved.get(0), 0);
  });
});
