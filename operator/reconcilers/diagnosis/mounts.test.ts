import assert from 'node:assert/strict';
import type { Pod } from '../../kube/core.ts';
import { EPOCH, pod } from '../../testing/serving.ts';
import { isBeingPrepared, PREPARING_MS, withMountProblem } from './mounts.ts';

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
  /** Pods that were asked about. */
  let asked: string[];
  const known = new Map([['x', { message: SAID }]]);
  const troubles = {
    of(_key: string, uid: string) {
      asked.push(uid);
      return known.get(uid);
    },
    forget() {},
  };

  beforeEach(() => {
    asked = [];
  });

  const told = (pods: Pod[], afterMs = PREPARING_MS) =>
    withMountProblem(pods, 'demo/hello', troubles, EPOCH + afterMs);

  it('is what the kubelet said, on the first pod that takes long', () => {
    const [first, second] = told([creating('x'), creating('z')]);
    assert.deepEqual(first && waitingOf(first), { reason: 'FailedMount', message: SAID });
    assert.equal(second && waitingOf(second)?.reason, 'ContainerCreating');
  });

  it('is not asked for while a pod is new, nor once its volumes are mounted', () => {
    const mounted = pod(CREATING, { phase: 'Pending', conditions: conditions('True') });
    assert.deepEqual(told([creating('x')], PREPARING_MS - 1), [creating('x')]);
    assert.deepEqual(told([mounted]), [mounted]);
    assert.deepEqual(asked, []);
  });

  it('is nothing where the kubelet said nothing', () => {
    assert.deepEqual(told([creating('z')]), [creating('z')]);
  });

  it('knows a pod that no node has taken, and one that goes', () => {
    const unscheduled = pod(CREATING, { phase: 'Pending', conditions: [] });
    const leaving = creating('x');
    leaving.metadata.deletionTimestamp = '2026-01-01T00:00:03Z';
    assert.deepEqual([creating('x'), unscheduled, leaving].map(isBeingPrepared), [true, false, false]);
  });
});
