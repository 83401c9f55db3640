import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfig } from '../../operator/config.ts';
import type { FakeApiServer } from '../../operator/testing/fakeApiServer.ts';
import { freePort } from '../../operator/testing/freePort.ts';
import { until } from '../lib/wait.ts';
import { fakeCluster, SYSTEM, startRole } from './bundledRole.ts';
import { seriesAt } from './pods.ts';
import { limitResult, type Result } from './result.ts';
import { peakMb, residentMb } from './servers.ts';
import { finishedJob, finishedService } from './thousand.ts';

const LIMIT_MB = 350;
/** Nothing was written for so long: the controller has looked at everything. */
const QUIET_MS = 5_000;

export interface Size {
  services: number;
  revisions: number;
  jobs: number;
  executions: number;
}

const THOUSAND: Size = { services: 1000, revisions: 20, jobs: 1000, executions: 100 };

/**
 * The controller's memory with a thousand services of twenty revisions and a thousand jobs of a hundred executions: our
 * bundle as it runs in a pod, with the heap that the chart's limit gives it, before a fake API server in another process.
 */
export async function controllerMemory(size: Size = THOUSAND): Promise<Result[]> {
  const folder = mkdtempSync(join(tmpdir(), 'homerun-memory-'));
  const server = await fakeCluster();
  let controller: ChildProcess | undefined;
  try {
    seed(server, size);
    const adminPort = await freePort();
    const config = { adminPort, webhook: { port: await freePort() } };
    controller = await startRole('controller', { server, folder, config });
    const begun = performance.now();
    const url = `http://127.0.0.1:${adminPort}`;
    await atRest(url, size, controller);
    const seconds = (performance.now() - begun - QUIET_MS) / 1000;
    const writes = server.requests.filter(
      ({ method, path }) => method !== 'GET' && !/leases|secrets/.test(path),
    );
    if (writes.length > 0)
      throw new Error(`it wrote ${writes.length} times, first ${JSON.stringify(writes[0])}`);
    const [peak, resident] = [peakMb(controller), residentMb(controller)];
    return [
      limitResult('controller-memory-1000', 'MB resident', resident, LIMIT_MB),
      limitResult('controller-memory-1000-peak', 'MB resident at most, from its start', peak, LIMIT_MB),
      limitResult('controller-start-1000', 's from start to rest', seconds, 60),
    ];
  } finally {
    controller?.kill('SIGKILL');
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function seed(server: FakeApiServer, { services, revisions, jobs, executions }: Size): void {
  const config = parseConfig({});
  const put = (objects: Parameters<FakeApiServer['put']>[0][]) => {
    for (const object of objects) server.put(object);
  };
  for (let i = 0; i < services; i++) put(finishedService(`service-${i}`, revisions, config, SYSTEM));
  for (let i = 0; i < jobs; i++) put(finishedJob(`job-${i}`, executions, config));
  server.compact();
}

async function atRest(url: string, size: Size, child: ChildProcess): Promise<void> {
  const wanted = size.services * (4 + 2 * size.revisions) + size.jobs * (1 + size.executions);
  const cached = async () => {
    if (child.exitCode !== null || child.signalCode) throw new Error('the controller has ended');
    return (await seriesAt(url, 'homerun_reflector_objects')) >= wanted;
  };
  await until('all objects to be cached', cached, { timeoutMs: 300_000, everyMs: 3_000 });
  await until('the controller to lead', async () => (await seriesAt(url, 'homerun_leader')) > 0);
  let [before, since] = [-1, performance.now()];
  const isQuiet = async () => {
    const done = await seriesAt(
      url,
      'homerun_reconciles_total',
      'controller="(revision|execution|service|job)"',
    );
    if (done !== before) [before, since] = [done, performance.now()];
    return performance.now() - since > QUIET_MS;
  };
  await until('rest', isQuiet, { timeoutMs: 300_000, everyMs: 3_000 });
}
