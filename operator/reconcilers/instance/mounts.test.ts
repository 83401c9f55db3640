import assert from 'node:assert/strict';
import { EVENTS, type KubeEvent, type Pod } from '../../kube/core.ts';
import { FakeApiServer } from '../../testing/fakeApiServer.ts';
import { EPOCH, pod } from '../../testing/serving.ts';
import { isBeingPrepared, lacksSomething, PREPARING_MS, withMountTrouble } from './mounts.ts';

const SAID = 'MountVolume.SetUp failed for volume "s" : secret "cert" not found';
const CREATING = { state: { waiting: { reason: 'ContainerCreating' } } };

const conditions = (prepared: 'True' | 'False') => [
  { type: 'PodScheduled', status: 'True' },
  { type: 'PodReadyToStartContainers', status: prepared },
];

/** A pod whose volumes are not mounted yet. */
const creating = (uid: string): Pod => {
  const made = pod(CREATING, { phase: 'Pending', conditions: conditions('False') });
  return { ...made, metadata: { ...made.metadata, uid } };
};

const waitingOf = ({ status }: Pod) => status?.containerStatuses?.[0]?.state?.waiting;

describe('what keeps volumes from being mounted', () => {
  let server: FakeApiServer;

  before(async () => {
    server = await FakeApiServer.start();
    const event = (name: string, uid: string, second: number, message: string) =>
      server.put({
        apiVersion: EVENTS.apiVersion,
        kind: EVENTS.kind,
        metadata: { name, namespace: 'demo' },
        involvedObject: { kind: 'Pod', namespace: 'demo', name: 'x', uid },
        reason: 'FailedMount',
        message,
        lastTimestamp: new Date(EPOCH + second * 1000).toISOString(),
      } as KubeEvent);
    event('early', 'x', 1, 'something else');
    event('late', 'x', 2, SAID);
    event('other', 'y', 3, 'not of this pod');
  });

  after(() => server.close());

  const told = (pods: Pod[], afterMs = PREPARING_MS) =>
    withMountTrouble(pods, server.client, EPOCH + afterMs);

  it('is what the kubelet said last, on the first pod that takes long', async () => {
    const [first, second] = await told([creating('x'), creating('z')]);
    assert.deepEqual(first && waitingOf(first), { reason: 'FailedMount', message: SAID });
    assert.equal(second && waitingOf(second)?.reason, 'ContainerCreating');
  });

  it('is not asked for while a pod is new, nor once its volumes are mounted', async () => {
    const mounted = pod(CREATING, { phase: 'Pending', conditions: conditions('True') });
    const before = server.requests.length;
    assert.deepEqual(await told([creating('x')], PREPARING_MS - 1), [creating('x')]);
    assert.deepEqual(await told([mounted]), [mounted]);
    assert.equal(server.requests.length, before);
  });

  it('is nothing where the kubelet said nothing', async () => {
    assert.deepEqual(await told([creating('z')]), [creating('z')]);
  });

  it('knows a pod that no node has taken, and one that goes', () => {
    const unscheduled = pod(CREATING, { phase: 'Pending', conditions: [] });
    const leaving = creating('x');
    leaving.metadata.deletionTimestamp = '2026-01-01T00:00:03Z';
    assert.deepEqual([creating('x'), unscheduled, leaving].map(isBeingPrepared), [true, false, false]);
  });

  it('lasts when somebody has to make something', () => {
    const lasting = {
      [SAID]: true,
      'MountVolume.SetUp failed for volume "s" : references non-existent secret key: 3': true,
      'MountVolume.SetUp failed for volume "c" : configmap "c" not found': true,
      'MountVolume.SetUp failed for volume "n" : mount failed: exit status 32': false,
      'MountVolume.SetUp failed for volume "s" : failed to sync secret cache: timed out': false,
    };
    for (const [message, lasts] of Object.entries(lasting)) {
      assert.equal(lacksSomething(message), lasts, message);
    }
  });
});
