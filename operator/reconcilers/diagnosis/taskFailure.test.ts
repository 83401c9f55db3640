import assert from 'node:assert/strict';
import { after, taskPod } from '../../testing/jobs.ts';
import { attemptFailure, failureMessage } from './taskFailure.ts';

const ended = (terminated: object) => ({
  terminated: { startedAt: after(3), finishedAt: after(5), ...terminated },
});

const SIDECAR = { name: 'side', image: 'proxy' };
const SIDE = { ...SIDECAR, imageID: '', ready: false, restartCount: 2 };

const CASES: Record<
  string,
  { reason: string; pod: Parameters<typeof taskPod>[1]; code: string; message: string }
> = {
  'exit code': {
    reason: 'the words of the API',
    pod: { state: ended({ exitCode: 3, reason: 'Error' }) },
    code: 'NonZeroExitCode',
    message: 'failed with exit code: 3 and message: The container exited with an error.',
  },
  'last line': {
    reason: 'what a program wrote last says more than its exit code',
    pod: { state: ended({ exitCode: 1, message: 'first\nno such table\n' }) },
    code: 'NonZeroExitCode',
    message:
      'failed with exit code: 1 and message: The container exited with an error. Its last log line: no such table',
  },
  signal: {
    reason: 'an exit code above 128 is a signal (container contract, Exit codes)',
    pod: { state: ended({ exitCode: 139 }) },
    code: 'NonZeroExitCode',
    message: 'failed with exit code: 139 and message: The container terminated on signal 11 (SIGSEGV).',
  },
  'no such signal': {
    reason: 'not every exit code above 128 is one',
    pod: { state: ended({ exitCode: 255 }) },
    code: 'NonZeroExitCode',
    message: 'failed with exit code: 255 and message: The container exited with an error.',
  },
  'no such program': {
    reason: 'the code 128 is the runtime’s, and what it says is no log line',
    pod: {
      state: ended({
        exitCode: 128,
        reason: 'StartError',
        message:
          'failed to create containerd task: unable to start container process: exec: "/nope": not found: unknown',
      }),
    },
    code: 'StartError',
    message: 'failed with message: The container cannot be started: exec: "/nope": not found.',
  },
  'out of memory': {
    reason: 'the API reports exit code 0 for what the platform stopped',
    pod: { state: ended({ exitCode: 137, reason: 'OOMKilled' }) },
    code: 'OutOfMemory',
    message: 'failed with exit code: 0 and message: The configured memory limit was reached.',
  },
  timeout: {
    reason: 'a pod over its deadline is killed, whatever its program does',
    pod: { state: ended({ exitCode: 137, reason: 'Error' }), status: { reason: 'DeadlineExceeded' } },
    code: 'TimeoutReached',
    message: 'failed with exit code: 0 and message: The configured timeout was reached.',
  },
  'timeout before the sidecar started': {
    reason: 'the main container never ran: what its sidecar did is why',
    pod: {
      state: { waiting: { reason: 'PodInitializing' } },
      status: {
        reason: 'DeadlineExceeded',
        initContainerStatuses: [
          { ...SIDE, started: false, state: ended({ exitCode: 3, reason: 'Error', message: 'no proxy\n' }) },
        ],
      },
    },
    code: 'TimeoutReached',
    message:
      "failed with exit code: 0 and message: The configured timeout was reached. Container 'side' exited with code 3 before it was ready. Its last log line: no proxy",
  },
  'timeout after the sidecar started': {
    reason: 'a sidecar that ends with the task has nothing to do with it',
    pod: {
      state: ended({ exitCode: 137, reason: 'Error' }),
      status: {
        reason: 'DeadlineExceeded',
        initContainerStatuses: [{ ...SIDE, started: false, state: ended({ exitCode: 143 }) }],
      },
    },
    code: 'TimeoutReached',
    message: 'failed with exit code: 0 and message: The configured timeout was reached.',
  },
  evicted: {
    reason: 'without a container that ran, the pod itself says why',
    pod: { state: {}, status: { reason: 'Evicted', message: 'The node was low on resource: memory.' } },
    code: 'Evicted',
    message: 'failed with message: The node was low on resource: memory.',
  },
};

describe('failure of a task', () => {
  for (const [name, { reason, pod, code, message }] of Object.entries(CASES)) {
    it(`${name}: ${reason}`, () => {
      const failure = { ...attemptFailure(taskPod(0, { phase: 'Failed', ...pod }), [SIDECAR]), attempt: 0 };
      assert.equal(failure.reason, code);
      assert.equal(failureMessage('hello-abc', 4, failure), `Task hello-abc-task4 ${message}`);
    });
  }
});
