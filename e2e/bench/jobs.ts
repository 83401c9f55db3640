import { HOMERUN } from '../../operator/apis/annotations/homerun.ts';
import { JOBS } from '../../operator/apis/run/job/types.ts';
import type { KubeClient } from '../../operator/kube/client.ts';
import { BATCH_JOBS, type BatchJob, PODS } from '../../operator/kube/core.ts';
import { helloJob, JobWatch } from '../lib/jobs.ts';
import { until } from '../lib/wait.ts';
import { podOf, series } from './pods.ts';
import { limitResult, type Result, ratioResult } from './result.ts';

const TASKS = 1000;
const PARALLELISM = 50;
/** Time for one of the two; a node of two cores takes some minutes. */
const LIMIT = { timeoutMs: 1_200_000, what: 'completed' };

/**
 * A job of a thousand tasks that end at once, against a bare indexed Job with the very same spec, one after the other:
 * how long each takes, and what the controller needs for ours.
 */
export async function thousandTasks(client: KubeClient, namespace: string, tasks = TASKS): Promise<Result[]> {
  const watch = new JobWatch(client, namespace);
  const controller = await podOf(client, 'controller');
  const before = await writes(controller);
  const memory = await memoryWhile(controller, () => runJob(client, watch, namespace, tasks));
  const written = (await writes(controller)) - before;
  const spec = bareSpec(watch);
  await client.delete(JOBS, { namespace, name: 'thousand' });
  await noPods(client, namespace);
  const bare = await runBare(client, watch, namespace, spec);
  watch.stop();
  return [
    ratioResult('job-1000-tasks', 's', { ours: [memory.value / 1000], bare: [bare / 1000] }, 1.1),
    limitResult('job-1000-tasks-memory', 'MB that the controller grew', memory.grewBy / 1e6, 50),
    limitResult('job-1000-tasks-writes', 'API writes per 10 tasks', (written / tasks) * 10, 1),
  ];
}

/** From applying the job to Completed, in milliseconds. */
async function runJob(
  client: KubeClient,
  watch: JobWatch,
  namespace: string,
  tasks: number,
): Promise<number> {
  const start = performance.now();
  const job = helloJob(namespace, 'thousand', {
    tasks,
    parallelism: PARALLELISM,
    annotations: { [HOMERUN.run]: 'run' },
  });
  await client.create(JOBS, job);
  const isDone = ({ status }: { status?: { conditions?: { type: string; status: string }[] } }) =>
    status?.conditions?.some((each) => each.type === 'Completed' && each.status !== 'Unknown') ?? false;
  const { status } = await watch.seen(watch.executions, 'thousand-run', isDone, LIMIT);
  if (status?.succeededCount !== tasks) throw new Error(`only ${status?.succeededCount} tasks succeeded`);
  return performance.now() - start;
}

async function runBare(
  client: KubeClient,
  watch: JobWatch,
  namespace: string,
  spec: object,
): Promise<number> {
  const start = performance.now();
  const metadata = { namespace, name: 'bare' };
  await client.create(BATCH_JOBS, { apiVersion: 'batch/v1', kind: 'Job', metadata, spec } as BatchJob);
  const isDone = ({ status }: BatchJob) =>
    status?.conditions?.some((each) => each.type === 'Complete' && each.status === 'True') ?? false;
  await watch.seen(watch.batchJobs, 'bare', isDone, LIMIT);
  const took = performance.now() - start;
  await client.delete(BATCH_JOBS, metadata);
  return took;
}

/** What Homerun asked for, less what Kubernetes has filled in and what makes Homerun look at it. */
function bareSpec(watch: JobWatch): object {
  const live = watch.batchJobs.store.list().find(({ metadata }) => metadata.name === 'thousand-run');
  const {
    selector: _,
    manualSelector: __,
    template,
    ...spec
  } = live?.spec ?? ({} as NonNullable<BatchJob['spec']>);
  return { ...spec, template: { metadata: { labels: { app: 'bare' } }, spec: template?.spec } };
}

/** Everything that the controller has written but the lease that it renews with or without jobs. */
function writes(controller: Parameters<typeof series>[0]): Promise<number> {
  return series(controller, 'homerun_kube_requests_total', 'verb="(create|apply|patch|delete)"');
}

/** How far the controller's memory rose above where it was. */
async function memoryWhile(
  controller: Parameters<typeof series>[0],
  act: () => Promise<number>,
): Promise<{ value: number; grewBy: number }> {
  const resident = () => series(controller, 'process_resident_memory_bytes');
  const before = await resident();
  let most = before;
  const timer = setInterval(async () => {
    most = Math.max(most, await resident().catch(() => 0));
  }, 1000);
  try {
    const value = await act();
    most = Math.max(most, await resident());
    return { value, grewBy: most - before };
  } finally {
    clearInterval(timer);
  }
}

function noPods(client: KubeClient, namespace: string): Promise<boolean> {
  const none = async () => (await client.list(PODS, { namespace, limit: 1 })).items.length === 0;
  return until('all pods to be gone', none, { timeoutMs: 600_000, everyMs: 1000 });
}
