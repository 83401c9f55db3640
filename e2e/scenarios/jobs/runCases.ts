import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { HOMERUN } from '../../../operator/apis/annotations/homerun.ts';
import { RUN } from '../../../operator/apis/labels.ts';
import { EXECUTIONS, type Execution } from '../../../operator/apis/run/execution/types.ts';
import { JOBS } from '../../../operator/apis/run/job/types.ts';
import { kubectl } from '../../lib/cluster.ts';
import { executionsOf } from '../../lib/jobs.ts';
import { until } from '../../lib/wait.ts';

import { type Case, LONG, running, type Scene } from './case.ts';

/** How executions are asked for, changed, stopped and kept. */
export const RUN_CASES: Record<string, Case> = {
  cancel: {
    reason: 'cancelling stops what runs and starts nothing more; the execution ends as Cancelled',
    job: { tasks: 5, parallelism: 2, env: LONG },
    during: async (scene) => {
      await running(scene, 2);
      await annotate(scene, EXECUTIONS, scene.execution, { [HOMERUN.cancel]: 'true' });
    },
    want: {
      completed: 'False',
      reason: 'Cancelled',
      message: /^Cancelled by user\.$/,
      counts: [0, 0, 5, 0],
      attempts: ['0.0', '1.0'],
    },
    check: ({ watch, execution }) => {
      const isOf = (labels?: Record<string, string>) => labels?.[RUN.execution] === execution;
      const left = () => watch.pods.store.list().filter(({ metadata }) => isOf(metadata.labels));
      return until('its pods to be gone', () => left().length === 0);
    },
  },
  'cancel-ignored': {
    reason: 'a program that ignores SIGTERM is killed 10 s after the cancellation',
    job: { env: { ...LONG, IGNORE_TERM: '1' } },
    during: async (scene) => {
      await running(scene, 1);
      await annotate(scene, EXECUTIONS, scene.execution, { [HOMERUN.cancel]: 'true' });
    },
    want: { completed: 'False', reason: 'Cancelled', counts: [0, 0, 1, 0] },
  },
  'override-program': {
    reason: 'an execution made by hand may have arguments and environment of its own',
    job: { container: { args: ['usual'] }, env: { COLOUR: 'red', SHAPE: 'round' } },
    start: (scene) =>
      createExecution(scene, {
        containerOverrides: [{ args: ['other', 'words'], env: [{ name: 'COLOUR', value: 'blue' }] }],
      }),
    want: { completed: 'True', counts: [1, 0, 0, 0] },
    check: (_, __, [attempt]) => {
      assert.deepEqual(attempt?.seen?.Args, ['other', 'words']);
      const { COLOUR, SHAPE } = attempt?.seen?.Env ?? {};
      assert.deepEqual([COLOUR, SHAPE], ['blue', 'round']);
    },
  },
  'override-size': {
    reason: 'an execution made by hand may have another number of tasks and another timeout',
    job: { tasks: 1, timeoutSeconds: 300 },
    start: (scene) => createExecution(scene, { taskCount: 3, timeoutSeconds: 60 }),
    want: { completed: 'True', counts: [3, 0, 0, 0], attempts: ['0.0', '1.0', '2.0'] },
    check: (_, { spec }, attempts) => {
      assert.equal(Number(spec?.template?.spec?.timeoutSeconds), 60);
      assert.deepEqual(
        attempts.map(({ seen }) => seen?.Env.CLOUD_RUN_TASK_COUNT),
        ['3', '3', '3'],
      );
    },
  },
  'by-manifest': {
    reason: 'an execution that only names its job runs it as it is, and belongs to it',
    job: { tasks: 2 },
    start: (scene) => createExecution(scene),
    want: { completed: 'True', counts: [2, 0, 0, 0] },
    check: (_, { metadata }) => assert.equal(metadata.ownerReferences?.[0]?.kind, 'Job'),
  },
  environment: {
    reason: 'a task knows its job, execution, index, attempt and number, and nothing of services',
    job: {
      tasks: 2,
      env: { MINE: 'kept $(CLOUD_RUN_JOB)' },
      container: { args: ['$$ $(CLOUD_RUN_JOB)'] },
    },
    want: { completed: 'True' },
    check: (_, __, [, second]) => {
      const env = second?.seen?.Env ?? {};
      const platform = Object.entries(env).filter(([name]) => /^(CLOUD_RUN_|K_|PORT$)/.test(name));
      assert.deepEqual(Object.fromEntries(platform), {
        CLOUD_RUN_JOB: 'environment',
        CLOUD_RUN_EXECUTION: 'environment-run',
        CLOUD_RUN_TASK_INDEX: '1',
        CLOUD_RUN_TASK_ATTEMPT: '0',
        CLOUD_RUN_TASK_COUNT: '2',
      });
      assert.equal(env.MINE, 'kept $(CLOUD_RUN_JOB)');
      assert.deepEqual(
        second?.seen?.Args,
        ['$$ $(CLOUD_RUN_JOB)'],
        'as written (kubernetes/kubernetes#75907)',
      );
    },
  },
  'image-missing': {
    reason: 'an execution whose image does not exist ends, and names the image',
    job: { container: { image: 'registry.kube-system.svc/hello:no-such-tag' } },
    want: { completed: 'False', message: /registry\.kube-system\.svc\/hello:no-such-tag/, attempts: [] },
  },
  'secret-late': {
    reason:
      'an execution whose volume is of a secret that comes after 15 s says how to make it, and completes',
    job: {
      container: { volumeMounts: [{ name: 'keys', mountPath: '/keys' }] },
      volumes: [{ name: 'keys', secret: { secretName: 'late-secret' } }],
    },
    during: async (scene) => {
      await reported(scene, /kubectl create secret generic late-secret/);
      await sleep(15_000);
      const options = ['--namespace', scene.namespace, '--from-literal=latest=x'];
      await kubectl(['create', 'secret', 'generic', 'late-secret', ...options]);
    },
    want: { completed: 'True', counts: [1, 0, 0, 0], attempts: ['0.0'] },
  },
  'account-late': {
    reason: 'an execution whose service account comes after 15 s says how to make it, and completes',
    job: { serviceAccountName: 'late@demo.iam.gserviceaccount.com' },
    during: async (scene) => {
      await reported(scene, /kubectl create serviceaccount late/);
      await sleep(15_000);
      await kubectl(['create', 'serviceaccount', 'late', '--namespace', scene.namespace]);
    },
    want: { completed: 'True', counts: [1, 0, 0, 0], attempts: ['0.0'] },
  },
  'start-token': {
    reason: 'a startExecutionToken starts the execution JOB-TOKEN, and the job is ready once it has started',
    job: { env: { SLEEP_MS: '1000' }, spec: { startExecutionToken: 'run' } },
    start: async () => undefined,
    want: { completed: 'True', counts: [1, 0, 0, 0] },
    check: ({ watch, job }) => watch.seen(watch.jobs, job, (found) => readyOf(found)?.status === 'True'),
  },
  'run-token': {
    reason:
      'with a runExecutionToken the job is ready only when the execution has completed; one that fails is reported',
    job: { env: { FAIL_CODE: '5' }, spec: { runExecutionToken: 'run' } },
    start: async () => undefined,
    want: { completed: 'False', message: /exit code: 5/ },
    check: async ({ watch, job }) => {
      const found = await watch.seen(watch.jobs, job, (each) => readyOf(each)?.status === 'False');
      assert.match(readyOf(found)?.message ?? '', /run-token-run-task0 failed with exit code: 5/);
    },
  },
  'run-again': {
    reason:
      'a new value of homerun.dev/run runs the job again, the same value does not; the job shows the latest',
    job: {},
    during: async (scene) => {
      const { watch, job, execution } = scene;
      await watch.ended(execution);
      await annotate(scene, JOBS, job, { [HOMERUN.run]: 'again' });
      await watch.ended(`${job}-again`);
      await annotate(scene, JOBS, job, { [HOMERUN.run]: 'again', note: 'same value' });
      await watch.seen(
        watch.jobs,
        job,
        ({ status }) => status?.latestCreatedExecution?.completionStatus === 'EXECUTION_SUCCEEDED',
      );
    },
    want: { completed: 'True' },
    check: ({ watch, job }) => {
      assert.deepEqual(executionsOf(watch, job), ['run-again-again', 'run-again-run']);
      const found = watch.jobs.store.list().find(({ metadata }) => metadata.name === job);
      assert.equal(found?.status?.executionCount, 2);
      assert.equal(found?.status?.latestCreatedExecution?.name, 'run-again-again');
    },
  },
  history: {
    reason: 'only the newest executions that have ended are kept, and one that runs is never touched',
    job: { annotations: { [HOMERUN.historyLimit]: '1' }, env: LONG },
    during: async (scene) => {
      const { watch, job } = scene;
      await running(scene, 1);
      const quick = { containerOverrides: [{ env: [{ name: 'SLEEP_MS', value: '0' }] }] };
      await createExecution({ ...scene, execution: 'history-older' }, quick);
      await watch.ended('history-older');
      await createExecution({ ...scene, execution: 'history-newer' }, quick);
      await watch.ended('history-newer');
      await watch.gone(watch.executions, 'history-older');
      assert.deepEqual(executionsOf(watch, job), ['history-newer', 'history-run']);
      await annotate(scene, EXECUTIONS, scene.execution, { [HOMERUN.cancel]: 'true' });
    },
    want: { completed: 'False', reason: 'Cancelled' },
  },
  'kubectl-wait': {
    reason: 'kubectl wait ends when the execution has completed, and kubectl lists its tasks',
    job: { tasks: 2, env: { SLEEP_MS: '1000' } },
    during: async ({ watch, namespace, execution }) => {
      await watch.seen(watch.executions, execution, () => true);
      const args = ['--for=condition=Completed', `execution/${execution}`, '-n', namespace, '--timeout=150s'];
      assert.match(await kubectl(['wait', ...args]), /condition met/);
      const rows = '{range .status.tasks[*]}{.index} {.attempt} {.state} {.exitCode}{"\\n"}{end}';
      const table = await kubectl(['get', 'execution', execution, '-n', namespace, '-o', `jsonpath=${rows}`]);
      assert.equal(table, '0 0 Succeeded 0\n1 0 Succeeded 0\n');
    },
    want: { completed: 'True' },
  },
  immutable: {
    reason: 'what an execution does cannot be changed once it is complete',
    job: {},
    during: async ({ watch, namespace, execution }) => {
      await watch.ended(execution);
      const patch = '{"spec":{"taskCount":2}}';
      await assert.rejects(
        kubectl(['patch', 'execution', execution, '-n', namespace, '--type=merge', '-p', patch]),
        /immutable|must not change/,
      );
    },
    want: { completed: 'True' },
  },
};

/** Another test kills the controller meanwhile, and nothing is admitted until it is back. */
function admitted<T>(write: () => Promise<T>): Promise<T> {
  return until('the write to be admitted', () => write(), { everyMs: 500 });
}

async function annotate(
  { client, namespace }: Scene,
  type: typeof JOBS | typeof EXECUTIONS,
  name: string,
  annotations: Record<string, string>,
): Promise<void> {
  const patch = () =>
    client.mergePatch(type as typeof JOBS, { namespace, name }, { metadata: { annotations } });
  await admitted(patch);
}

/** An execution as a person writes one: it names its job. */
function createExecution(
  { client, namespace, job, execution }: Scene,
  overrides?: object,
): Promise<Execution> {
  const object = {
    apiVersion: EXECUTIONS.apiVersion,
    kind: EXECUTIONS.kind,
    metadata: {
      name: execution,
      namespace,
      labels: { [RUN.job]: job },
      annotations: overrides ? { [HOMERUN.overrides]: JSON.stringify(overrides) } : undefined,
    },
  } as Execution;
  return admitted(() => client.create(EXECUTIONS, object));
}

function readyOf({
  status,
}: {
  status?: { conditions?: { type: string; status: string; message?: string }[] };
}) {
  return status?.conditions?.find(({ type }) => type === 'Ready');
}

/** Resolves when the execution reports, while it waits, what it lacks. */
async function reported({ watch, execution }: Scene, message: RegExp): Promise<void> {
  const isTold = ({ status }: Execution) =>
    status?.conditions?.some((each) => each.status === 'Unknown' && message.test(each.message ?? ''));
  await watch.seen(watch.executions, execution, (each) => isTold(each) ?? false, { what: `${message}` });
}
