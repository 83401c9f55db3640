import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { HOMERUN } from '../../operator/apis/annotations/homerun.ts';
import { EXECUTIONS } from '../../operator/apis/run/execution/types.ts';
import { JOBS } from '../../operator/apis/run/job/types.ts';
import type { KubeClient } from '../../operator/kube/client.ts';
import { NAMESPACES } from '../../operator/kube/core.ts';
import { connect, freshNamespace } from '../lib/cluster.ts';
import { completedOf, executionsOf, helloJob, JobWatch } from '../lib/jobs.ts';
import { killRole, roleReplaced } from '../lib/roles.ts';
import { until } from '../lib/wait.ts';
import type { Case, Scene } from './jobs/case.ts';
import { RUN_CASES } from './jobs/runCases.ts';
import { SIDECAR_CASES } from './jobs/sidecarCases.ts';
import { TASK_CASES } from './jobs/taskCases.ts';

const NAMESPACE = 'e2e-jobs';
const CASES: Record<string, Case> = { ...TASK_CASES, ...RUN_CASES, ...SIDECAR_CASES };

/** Applies the job of a case, runs it, does to it what the case says, and compares how it ended. */
async function play(scene: Scene, { job, start, during, want, check }: Case): Promise<void> {
  const { client, namespace, watch, execution } = scene;
  const annotations = { ...job.annotations, ...(start ? {} : { [HOMERUN.run]: 'run' }) };
  await client.create(JOBS, helloJob(namespace, scene.job, { ...job, annotations }));
  await start?.(scene);
  const [ended] = await Promise.all([watch.ended(execution), during?.(scene)]);
  const completed = completedOf(ended);
  assert.equal(completed?.status, want.completed, `${completed?.reason}: ${completed?.message}`);
  if (want.reason) assert.equal(completed?.reason, want.reason);
  if (want.message) assert.match(completed?.message ?? '', want.message);
  const { succeededCount, failedCount, cancelledCount, retriedCount, runningCount } = ended.status ?? {};
  if (want.counts) assert.deepEqual([succeededCount, failedCount, cancelledCount, retriedCount], want.counts);
  assert.equal(runningCount ?? 0, 0);
  const attempts = watch.attempts(execution);
  if (want.attempts)
    assert.deepEqual(
      attempts.map(({ index, attempt }) => `${index}.${attempt}`),
      want.attempts,
    );
  await check?.(scene, ended, attempts);
}

/** The next full minute that is at least so far away, in milliseconds since 1970. */
function minuteAfter(ms: number): number {
  return Math.ceil((Date.now() + ms) / 60_000) * 60_000;
}

describe('jobs', function () {
  this.timeout(900_000);
  const played = new Map<string, Promise<void>>();
  /** When the controller is killed: just before a schedule is due, in the middle of a job, after the table has begun. */
  let due: number;
  let client: KubeClient;
  let watch: JobWatch;
  let killed: Promise<void>;

  // All at once: most of the time goes by in waiting for retries and deadlines.
  before(async () => {
    due = minuteAfter(40_000);
    client = await connect();
    const namespace = await freshNamespace(client, NAMESPACE);
    watch = new JobWatch(client, namespace);
    const at = new Date(due);
    const schedule = `${at.getUTCMinutes()} ${at.getUTCHours()} * * *`;
    await client.create(JOBS, helloJob(namespace, 'idle'));
    await client.create(
      JOBS,
      helloJob(namespace, 'scheduled', { annotations: { [HOMERUN.schedule]: schedule } }),
    );
    for (const [job, each] of Object.entries(CASES)) {
      const scene = { client, namespace, watch, job, execution: `${job}-run` };
      const result = play(scene, each);
      result.catch(() => undefined);
      played.set(job, result);
    }
    killed = killInTheMiddle(namespace);
    killed.catch(() => undefined);
  });

  after(async () => {
    watch?.stop();
    await client?.delete(NAMESPACES, { name: NAMESPACE });
  });

  async function killInTheMiddle(namespace: string): Promise<void> {
    await sleep(Math.max(due - 10_000 - Date.now(), 0));
    const annotations = { [HOMERUN.run]: 'run' };
    const options = { tasks: 24, parallelism: 3, env: { SLEEP_MS: '1000' }, annotations };
    await client.create(JOBS, helloJob(namespace, 'interrupted', options));
    await sleep(Math.max(due - 1_500 - Date.now(), 0));
    await roleReplaced(client, 'controller', await killRole(client, 'controller'));
  }

  for (const [name, { reason }] of Object.entries(CASES)) {
    it(`${name}: ${reason}`, () => played.get(name));
  }

  it('a controller that is killed in the middle makes nothing run twice', async () => {
    await killed;
    const { status } = await watch.ended('interrupted-run');
    assert.equal(status?.succeededCount, 24);
    const attempts = watch.attempts('interrupted-run').map(({ index, attempt }) => `${index}.${attempt}`);
    assert.deepEqual(
      attempts,
      Array.from({ length: 24 }, (_, index) => `${index}.0`),
    );
    const jobs = watch.batchJobs.store.list().filter(({ metadata }) => metadata.name === 'interrupted-run');
    assert.equal(jobs.length, 1);
  });

  it('a schedule is kept once though the controller was down when it was due', async () => {
    const name = `scheduled-${due / 60_000}`;
    const { status } = await watch.ended(name);
    assert.equal(status?.succeededCount, 1);
    assert.ok(Date.parse(status?.startTime ?? '') >= due);
    assert.deepEqual(executionsOf(watch, 'scheduled'), [name]);
  });

  it('tokens that were used before it was killed start nothing again, and a job alone never runs', async () => {
    await killed;
    await watch.ended('interrupted-run');
    assert.deepEqual(executionsOf(watch, 'start-token'), ['start-token-run']);
    assert.deepEqual(executionsOf(watch, 'run-token'), ['run-token-run']);
    assert.deepEqual(executionsOf(watch, 'idle'), []);
  });

  it('an execution takes all that it made with it, and a job its executions', async () => {
    await Promise.all(played.values()).catch(() => undefined);
    const ref = (name: string) => ({ namespace: NAMESPACE, name });
    await client.delete(EXECUTIONS, ref('once-run'));
    await client.delete(JOBS, ref('hundred-tasks'));
    await Promise.all([
      watch.gone(watch.batchJobs, 'once-run'),
      watch.gone(watch.executions, 'hundred-tasks-run'),
      watch.gone(watch.batchJobs, 'hundred-tasks-run'),
    ]);
    const pods = () =>
      watch.pods.store.list().filter(({ metadata }) => /^(once|hundred-tasks)-/.test(metadata.name));
    await until('their pods to be gone', () => pods().length === 0);
  });
});
