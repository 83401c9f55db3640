import assert from 'node:assert/strict';
import { PODS } from '../../../operator/kube/core.ts';
import { envOf } from '../../lib/jobs.ts';
import { killTask } from '../../lib/processes.ts';
import { until } from '../../lib/wait.ts';
import { type Case, LONG, running } from './case.ts';

const EXITED = 'The container exited with an error.';

/** What becomes of tasks: attempts, retries, deadlines, ends. */
export const TASK_CASES: Record<string, Case> = {
  once: {
    reason: 'one task runs once, and the execution says how long it took',
    job: {},
    want: {
      completed: 'True',
      message: /^Execution completed successfully in \d+s\.$/,
      counts: [1, 0, 0, 0],
      attempts: ['0.0'],
    },
    check: (_, { status }) => {
      assert.ok(status?.startTime && status.completionTime && status.duration);
      const states = status.conditions?.map(({ type, status }) => `${type}=${status}`);
      assert.deepEqual(states, [
        'Completed=True',
        'ContainerReady=True',
        'ResourcesAvailable=True',
        'Started=True',
      ]);
      assert.deepEqual(
        status.tasks?.map(({ index, attempt, state, exitCode }) => [index, attempt, state, exitCode]),
        [[0, 0, 'Succeeded', 0]],
      );
    },
  },
  'hundred-tasks': {
    reason: 'each index is seen exactly once, and never more than parallelism allows',
    job: { tasks: 100, parallelism: 10 },
    want: {
      completed: 'True',
      counts: [100, 0, 0, 0],
      attempts: Array.from({ length: 100 }, (_, index) => `${index}.0`),
    },
    check: async ({ watch, execution }, { status }, attempts) => {
      const indexes = attempts.map(({ seen }) => Number(seen?.Env.CLOUD_RUN_TASK_INDEX));
      assert.deepEqual(
        indexes,
        attempts.map(({ index }) => index),
      );
      const job = watch.batchJobs.store.list().find(({ metadata }) => metadata.name === execution);
      assert.equal(job?.spec?.parallelism, 10);
      assert.ok(watch.mostActive(execution) <= 10, `${watch.mostActive(execution)} at once`);
      assert.equal(status?.tasks?.length, 100);
    },
  },
  'fails-twice': {
    reason: 'a task that fails twice and then succeeds sees attempts 0, 1 and 2',
    job: { maxRetries: 2, env: { FAIL_CODE: '1', FAIL_ATTEMPTS: '2' } },
    want: { completed: 'True', counts: [1, 0, 0, 1], attempts: ['0.0', '0.1', '0.2'] },
    check: (_, __, attempts) =>
      assert.deepEqual(
        attempts.map(({ seen }) => seen?.Env.CLOUD_RUN_TASK_ATTEMPT),
        ['0', '1', '2'],
      ),
  },
  'no-retries': {
    reason: 'with maxRetries 0 a task that fails is not tried again',
    job: { maxRetries: 0, env: { FAIL_CODE: '3' } },
    want: {
      completed: 'False',
      reason: 'NonZeroExitCode',
      message: new RegExp(`^Task no-retries-run-task0 failed with exit code: 3 and message: ${EXITED}`),
      counts: [0, 1, 0, 0],
      attempts: ['0.0'],
    },
  },
  'retries-used-up': {
    reason: 'a task fails for good after maxRetries + 1 attempts, and only that fails the execution',
    job: { maxRetries: 1, env: { FAIL_CODE: '7' } },
    want: { completed: 'False', message: /exit code: 7/, counts: [0, 1, 0, 1], attempts: ['0.0', '0.1'] },
  },
  'last-line': {
    reason: 'the last line of the log stands beside the exit code',
    job: { env: { FAIL_CODE: '1', LAST_LINE: 'cannot open the database' } },
    want: {
      completed: 'False',
      message: /exit code: 1 and message: .* Its last log line: cannot open the database$/,
    },
  },
  'stops-the-rest': {
    reason: 'a task that fails for good stops those that run, and those that wait never start',
    job: { tasks: 6, parallelism: 3, env: { ...LONG, FAIL_CODE: '4', FAIL_INDEX: '1', FAIL_AT_ONCE: '1' } },
    want: {
      completed: 'False',
      message: /^Task stops-the-rest-run-task1 failed with exit code: 4/,
      counts: [0, 1, 5, 0],
      attempts: ['0.0', '1.0', '2.0'],
    },
    check: (_, { status }) => {
      const states = status?.tasks?.map(({ state }) => state);
      assert.deepEqual(states, ['Cancelled', 'Failed', 'Cancelled', 'Cancelled', 'Cancelled', 'Cancelled']);
    },
  },
  'timeout-from-start': {
    reason: 'the time that its sidecar takes to start is not the task’s',
    job: {
      timeoutSeconds: 12,
      container: { name: 'main', env: envOf({ SLEEP_MS: '2000' }) },
      others: [
        {
          name: 'helper',
          env: envOf({ TASK: '0', START_DELAY_MS: '14000' }),
          startupProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1, failureThreshold: 60 },
        },
      ],
      executionAnnotations: { 'run.googleapis.com/container-dependencies': '{"main":["helper"]}' },
    },
    want: { completed: 'True', counts: [1, 0, 0, 0], attempts: ['0.0'] },
  },
  'timeout-ignored': {
    reason: 'a program that ignores SIGTERM is killed ten seconds after its timeout',
    job: { timeoutSeconds: 4, env: { ...LONG, IGNORE_TERM: '1' } },
    want: {
      completed: 'False',
      reason: 'TimeoutReached',
      message:
        /^Task timeout-ignored-run-task0 failed with exit code: 0 and message: The configured timeout was reached\.$/,
      counts: [0, 1, 0, 0],
    },
    check: async ({ watch, execution }) => {
      // At a deadline the kubelet may tell the end of the pod a moment before that of its container.
      const ended = () => watch.attempts(execution).find(({ finishedAt }) => finishedAt);
      const { exitCode, startedAt, finishedAt } = await until('the end of the container', ended);
      assert.equal(exitCode, 137);
      const ran = Date.parse(finishedAt ?? '') - Date.parse(startedAt ?? '');
      // The controller sets the deadline, and this table kills it: the next one leads after 15 s, when the lease has run
      // out. The kubelet looks for deadlines every second, and times are whole seconds.
      assert.ok(ran >= 12_000 && ran <= 60_000, `it ran for ${ran} ms`);
    },
  },
  'timeout-retried': {
    reason: 'an attempt over its deadline gets SIGTERM, counts as failed and is tried again',
    job: { timeoutSeconds: 3, maxRetries: 1, env: LONG },
    want: { completed: 'False', reason: 'TimeoutReached', counts: [0, 1, 0, 1], attempts: ['0.0', '0.1'] },
  },
  signal: {
    reason: 'an exit code above 128 is reported as the signal that it stands for',
    job: { env: { FAIL_CODE: '139' } },
    want: {
      completed: 'False',
      message: /exit code: 139 and message: The container terminated on signal 11 \(SIGSEGV\)\./,
    },
  },
  'out-of-memory': {
    reason: 'a task that exceeds its memory limit is reported in the words of the API',
    job: { env: { ALLOCATE_MB: '300' } },
    want: {
      completed: 'False',
      reason: 'OutOfMemory',
      message: /failed with exit code: 0 and message: The configured memory limit was reached\./,
    },
  },
  'killed-by-node': {
    reason: 'a task whose process is killed on the node is tried again',
    job: { maxRetries: 1, env: { ...LONG, SLEEP_ATTEMPTS: '1' } },
    during: async (scene) => {
      await running(scene, 1);
      await killTask(scene.execution);
    },
    want: { completed: 'True', counts: [1, 0, 0, 1], attempts: ['0.0', '0.1'] },
    check: (_, __, [first]) => assert.equal(first?.exitCode, 137),
  },
  'pod-deleted': {
    reason: 'a task whose pod is deleted is tried again',
    job: { maxRetries: 1, env: { ...LONG, SLEEP_ATTEMPTS: '1' } },
    during: async (scene) => {
      await running(scene, 1);
      const [attempt] = scene.watch.attempts(scene.execution);
      await scene.client.delete(PODS, { namespace: scene.namespace, name: attempt?.pod ?? '' });
    },
    want: { completed: 'True', counts: [1, 0, 0, 1], attempts: ['0.0', '0.1'] },
  },
};
