import assert from 'node:assert/strict';
import type { Pod } from '../../kube/core.ts';
import { after, taskPod } from '../../testing/jobs.ts';
import { EPOCH } from '../../testing/serving.ts';
import { overdue } from './deadline.ts';
import { trimPod } from './trim.ts';

/** A task whose node has had it since the second second, and whose container runs since the twentieth. */
function running(changes: Parameters<typeof taskPod>[1] = {}, activeDeadlineSeconds = 250): Pod {
  const state = { running: { startedAt: after(20) } };
  const pod = taskPod(0, { state, status: { startTime: after(2) }, ...changes });
  return trimPod({ ...pod, spec: { activeDeadlineSeconds, containers: [] } });
}

const at = (pod: Pod, seconds: number) => {
  const { change, nextMs } = overdue([pod], '10', EPOCH + seconds * 1000);
  return { deadlines: change.map(({ patch }) => patch), nextMs };
};

describe('deadline of a task', () => {
  it('counts from the start of its container, not from that of its pod', () => {
    assert.deepEqual(at(running(), 29), { deadlines: [], nextMs: 1000 });
    assert.deepEqual(at(running(), 30), {
      deadlines: [{ spec: { activeDeadlineSeconds: 28 } }],
      nextMs: undefined,
    });
  });

  it('is written once: the kubelet takes its time to end a pod', () => {
    assert.deepEqual(at(running({}, 28), 31), { deadlines: [], nextMs: undefined });
  });

  it('is not of a task that has not begun, has ended or is being stopped', () => {
    const none = { deadlines: [], nextMs: undefined };
    assert.deepEqual(at(running({ phase: 'Pending', state: { waiting: {} } }), 1000), none);
    assert.deepEqual(at(running({ phase: 'Succeeded' }), 1000), none);
    assert.deepEqual(at(running({ metadata: { deletionTimestamp: after(25) } }), 1000), none);
  });

  it('of several comes first the one that is due first', () => {
    const later = running({ state: { running: { startedAt: after(24) } } });
    assert.equal(overdue([later, running()], 10, EPOCH + 25_000).nextMs, 5000);
  });
});
