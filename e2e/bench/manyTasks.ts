import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HOMERUN } from '../../operator/apis/annotations/homerun.ts';
import { JOBS } from '../../operator/apis/run/job/types.ts';
import type { KubeClient } from '../../operator/kube/client.ts';
import { PODS, type Pod } from '../../operator/kube/core.ts';
import { Informer } from '../../operator/kube/informer.ts';
import { createLogger } from '../../operator/telemetry/log.ts';
import { ApiServer } from '../../operator/testing/apiServer.ts';
import { freePort } from '../../operator/testing/freePort.ts';
import { installKinds } from '../../operator/testing/installKinds.ts';
import { helloJob, JobWatch } from '../lib/jobs.ts';
import { until } from '../lib/wait.ts';
import { seriesAt } from './pods.ts';
import { limitResult, type Result } from './result.ts';

const NAMESPACE = 'demo';
const TASKS = 10_000;
/** Tasks whose first attempt fails. */
const FAILING = new Set([17, 4711, 9999]);
/** Pods whose status is written at a time. */
const LANES = 16;
const LIMIT_SECONDS = 900;

/**
 * Ten thousand tasks, the most that Cloud Run takes: a real API server and Kubernetes' own Job controller, our
 * controller as a process of its own, and in the place of nodes something that ends each pod as soon as it is made.
 */
export async function manyTasks(): Promise<Result[]> {
  const server = await ApiServer.start();
  const folder = mkdtempSync(join(tmpdir(), 'homerun-many-'));
  const adminPort = await freePort();
  const url = `http://127.0.0.1:${adminPort}`;
  const stop = new AbortController();
  let controller: ChildProcess | undefined;
  try {
    await installKinds(server, 'homerun-system', NAMESPACE);
    server.startControllers('job-controller');
    controller = await startController(server, folder, adminPort);
    await until('the controller to answer', () =>
      seriesAt(url, 'homerun_leader')
        .catch(() => 0)
        .then((leads) => leads > 0),
    );
    runPods(server.client, stop.signal);
    return await measure(server.client, url);
  } finally {
    stop.abort();
    controller?.kill('SIGKILL');
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(client: KubeClient, url: string): Promise<Result[]> {
  const resident = () => seriesAt(url, 'process_resident_memory_bytes');
  const watch = new JobWatch(client, NAMESPACE);
  const before = await resident();
  const start = performance.now();
  const container = { image: `kind.local/hello@sha256:${'0'.repeat(64)}` };
  const options = { tasks: TASKS, maxRetries: 3, container, annotations: { [HOMERUN.run]: 'run' } };
  await client.create(JOBS, helloJob(NAMESPACE, 'many', options));
  const isDone = (status?: { conditions?: { type: string; status: string }[] }) =>
    status?.conditions?.some((each) => each.type === 'Completed' && each.status !== 'Unknown') ?? false;
  const { status } = await watch.seen(watch.executions, 'many-run', (found) => isDone(found.status), {
    timeoutMs: LIMIT_SECONDS * 1000,
    what: 'completed',
  });
  const seconds = (performance.now() - start) / 1000;
  const grewBy = ((await resident()) - before) / 1e6;
  watch.stop();
  const { succeededCount, failedCount, cancelledCount, retriedCount } = status ?? {};
  const counts = [succeededCount, failedCount, cancelledCount, retriedCount];
  const wanted = [TASKS, 0, 0, FAILING.size];
  if (String(counts) !== String(wanted)) throw new Error(`the execution reports ${counts} and not ${wanted}`);
  const listed = status?.tasks?.map(({ index, attempt, state }) => `${index} ${attempt} ${state}`);
  const failing = [...FAILING].map((index) => `${index} 1 Succeeded`);
  if (String(listed) !== String(failing)) throw new Error(`the execution lists ${listed} and not ${failing}`);
  return [
    limitResult('job-10000-tasks', 's with pods that end at once', seconds, LIMIT_SECONDS),
    limitResult('job-10000-tasks-memory', 'MB that the controller grew', grewBy, 150),
  ];
}

/** Our controller as it runs in a cluster. */
async function startController(server: ApiServer, folder: string, adminPort: number): Promise<ChildProcess> {
  const config = join(folder, 'config.json');
  writeFileSync(config, JSON.stringify({ logLevel: 'warn', adminPort }));
  const main = new URL('../../operator/main.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [main, 'controller'], {
    env: { ...process.env, KUBECONFIG: server.kubeconfig, HOMERUN_CONFIG: config },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  await once(child, 'spawn');
  return child;
}

/** Ends each pod as soon as it is there, as a kubelet with a program that does nothing would. */
function runPods(client: KubeClient, signal: AbortSignal): void {
  const waiting: Pod[] = [];
  let lanes = 0;
  const lane = async () => {
    lanes++;
    for (let pod = waiting.shift(); pod && !signal.aborted; pod = waiting.shift())
      await end(client, pod).catch(() => undefined);
    lanes--;
  };
  const log = createLogger('nodes', 'fatal');
  const pods = new Informer({ client, log, type: PODS, labelSelector: 'run.googleapis.com/execution' });
  pods.onChange(({ type, object }) => {
    if (type !== 'added' || object.status?.phase !== 'Pending') return;
    waiting.push(object);
    if (lanes < LANES) void lane();
  });
  void pods.run(signal);
}

function end(client: KubeClient, { metadata, spec }: Pod): Promise<Pod> {
  const annotations = metadata.annotations ?? {};
  const first = annotations['batch.kubernetes.io/job-index-failure-count'] === '0';
  const fails = first && FAILING.has(Number(annotations['batch.kubernetes.io/job-completion-index']));
  const now = new Date().toISOString();
  const terminated = { exitCode: fails ? 1 : 0, startedAt: now, finishedAt: now };
  const containerStatuses = spec?.containers.map(({ name, image = '' }) => ({
    name,
    image,
    imageID: image,
    ready: false,
    restartCount: 0,
    state: { terminated },
  }));
  const status = { phase: fails ? 'Failed' : 'Succeeded', startTime: now, containerStatuses };
  return client.mergePatch(PODS, metadata, { status }, { subresource: 'status' });
}
