import assert from 'node:assert/strict';
import { parseConfig } from '../../config.ts';
import type { Pod } from '../../kube/core.ts';
import { after, taskPod } from '../../testing/jobs.ts';
import { EPOCH } from '../../testing/serving.ts';
import { trimPod } from '../execution/trim.ts';
import { diagnose } from './chain.ts';
import type { Evidence } from './evidence.ts';

const config = parseConfig({});
const MAIN = { name: 'user-container', image: 'app' };
const now = EPOCH + 61_000;

/** What keeps a task from starting, of which the cache keeps what is needed to say so. */
function problemOf(pod: Pod, containers: Evidence['containers'] = [MAIN]) {
  return diagnose({ runs: 'job', containers, pods: [trimPod(pod)], now, config });
}

describe('what keeps a task from starting', () => {
  const waiting = (reason: string, message: string) => {
    const status = { startTime: after(60) };
    return problemOf(taskPod(0, { phase: 'Pending', state: { waiting: { reason, message } }, status }));
  };

  it('is reported with why, and waited out from when a node had the pod', () => {
    assert.match(waiting('ImagePullBackOff', 'timed out')?.message ?? '', /Image 'app'.*timed out/);
    assert.equal(waiting('ImagePullBackOff', 'toomanyrequests')?.recheckAfter, 239_000);
    assert.equal(waiting('ErrImagePull', 'manifest unknown')?.recheckAfter, 9000);
    assert.match(waiting('CreateContainerConfigError', 'secret "s" not found')?.message ?? '', /secret "s"/);
    assert.match(waiting('FailedMount', 'secret "s" not found')?.message ?? '', /create secret generic s/);
    assert.equal(waiting('FailedMount', 'secret "s" not found')?.recheckAfter, 239_000);
    assert.equal(waiting('ContainerCreating', '')?.reason, 'Deploying');
  });

  it('is what keeps a sidecar from starting: the task waits for it', () => {
    const side = {
      name: 'side',
      image: 'proxy',
      startupProbe: { tcpSocket: { port: 5432 }, periodSeconds: 1, failureThreshold: 5 },
    };
    const terminated = {
      exitCode: 0,
      startedAt: '2026-01-01T00:00:01Z',
      finishedAt: '2026-01-01T00:00:06Z',
    };
    const problem = (started: boolean) => {
      const status = { name: 'side', started, restartCount: 1, state: {}, lastState: { terminated } };
      const pod = taskPod(0, {
        phase: 'Pending',
        state: { waiting: { reason: 'PodInitializing' } },
        status: { initContainerStatuses: [status] } as unknown as Pod['status'],
      });
      return problemOf(pod, [MAIN, side]);
    };
    assert.match(
      problem(false)?.message ?? '',
      /^Container 'side' did not pass .* connections on port 5432\.$/,
    );
    assert.equal(problem(false)?.final, false, 'it is started again');
    assert.equal(problem(false)?.recheckAfter, undefined, 'and the deadline of the task ends it');
    assert.equal(problem(true)?.reason, 'Deploying');
  });
});
