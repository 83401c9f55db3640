import assert from 'node:assert/strict';
import type { Pod } from '../../kube/core.ts';
import { EPOCH, pod } from '../../testing/serving.ts';
import { isBeingPrepared, mountReport, PREPARING_MS } from './mounts.ts';

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

describe('what keeps volumes from being mounted', () => {
  /** Pods that were asked about. */
  let asked: string[];
  let isRead: boolean;
  const known = new Map([['x', { message: SAID }]]);
  const lookup = {
    of(_key: string, uid: string) {
      asked.push(uid);
      return known.get(uid);
    },
    isRead: () => isRead,
    forget() {},
  };

  beforeEach(() => {
    asked = [];
    isRead = true;
  });

  const found = (pods: Pod[], afterMs = PREPARING_MS) =>
    mountReport(pods, 'demo/hello', lookup, EPOCH + afterMs);

  it('is what the kubelet said, on the first pod that takes long', () => {
    assert.deepEqual(found([creating('x'), creating('z')]), { uid: 'x', failure: SAID });
  });

  it('is not asked for while a pod is new, nor once its volumes are mounted', () => {
    const mounted = pod(CREATING, { phase: 'Pending', conditions: conditions('True') });
    assert.equal(found([creating('x')], PREPARING_MS - 1), undefined);
    assert.equal(found([mounted]), undefined);
    assert.deepEqual(asked, []);
  });

  it('is nothing where the kubelet said nothing', () => {
    assert.deepEqual(found([creating('z')]), { uid: 'z', failure: undefined });
  });

  it('is known at once where the Events were read for another pod', () => {
    isRead = false;
    assert.deepEqual(found([creating('x')]), { uid: 'x', failure: SAID });
  });

  it('is not known until the Events have been read', () => {
    isRead = false;
    assert.equal(found([creating('z')]), undefined);
    assert.deepEqual(asked, ['z']);
  });

  it('knows a pod that no node has taken, and one that goes', () => {
    const unscheduled = pod(CREATING, { phase: 'Pending', conditions: [] });
    const leaving = creating('x');
    leaving.metadata.deletionTimestamp = '2026-01-01T00:00:03Z';
    assert.deepEqual([creating('x'), unscheduled, leaving].map(isBeingPrepared), [true, false, false]);
  });
});
