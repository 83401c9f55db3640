import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROUTES } from '../../operator/apis/serving/route/types.ts';
import { parseConfig } from '../../operator/config.ts';
import type { FakeApiServer } from '../../operator/testing/fakeApiServer.ts';
import { freePort } from '../../operator/testing/freePort.ts';
import { percentile } from '../lib/load.ts';
import { until } from '../lib/wait.ts';
import { fakeCluster, SYSTEM, startRole } from './bundledRole.ts';
import { seriesAt } from './pods.ts';
import { limitResult, type Result } from './result.ts';
import { MEASURED, Server } from './servers.ts';
import { finishedService } from './thousand.ts';

const SERVICES = 1000;
const REVISIONS = 2;
const REPETITIONS = 3;
/** Routes that change one after the other, and the time between two: each is a change of its own. */
const [UPDATES, EVERY_MS] = [200, 10];

/**
 * A gateway of two threads, as it runs in a pod: its memory when it has nothing to serve, then with a thousand services of
 * two revisions each, and the processor time that a change of one route's traffic takes in all of its threads.
 */
export async function routesResults(): Promise<Result[]> {
  const folder = mkdtempSync(join(tmpdir(), 'homerun-routes-'));
  const server = await fakeCluster();
  const [adminPort, port, internalPort] = [await freePort(), await freePort(), await freePort()];
  const config = { adminPort, gateway: { port, internalPort, threads: 2 } };
  const url = `http://127.0.0.1:${adminPort}`;
  try {
    const role = await startRole('gateway', { server, folder, config });
    await using gateway = Server.of(role, port, MEASURED);
    await until('the gateway to be ready', async () => (await fetch(`${url}/readyz`)).ok);
    const idle = gateway.residentMb();
    for (let i = 0; i < SERVICES; i++) {
      for (const object of finishedService(`service-${i}`, REVISIONS, parseConfig({}), SYSTEM))
        server.put(object);
    }
    await until('all routes to be cached', async () => (await cached(url)) === SERVICES);
    const costs: number[] = [];
    for (let i = 0; i < REPETITIONS; i++) costs.push(await updateMicros(server, gateway, url, i));
    console.log(`routes-1000\n  homerun    ${costs.map((each) => Math.round(each)).join(', ')} us an update`);
    return [
      limitResult('gateway-idle-rss', 'MB with two threads', idle, 110),
      limitResult('routes-1000-rss', 'MB with 1,000 services', gateway.residentMb(), 150),
      limitResult('routes-1000-update', 'ms CPU for a route', percentile(costs, 0.5) / 1000, 5),
    ];
  } finally {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

const cached = (url: string) => seriesAt(url, 'homerun_reflector_objects', 'cache="routes"');
const seen = (url: string) =>
  seriesAt(url, 'homerun_reflector_watch_events_total', 'kind="Route".*"MODIFIED"');

/** What the updates of one repetition cost each, less what the gateway uses in the same time without them. */
async function updateMicros(
  server: FakeApiServer,
  gateway: Server,
  url: string,
  turn: number,
): Promise<number> {
  const idle = await micros(gateway, () => sleep(UPDATES * EVERY_MS));
  const before = await seen(url);
  const busy = await micros(gateway, async () => {
    for (let i = 0; i < UPDATES; i++) {
      shift(server, `service-${i}`, 1 + turn);
      await sleep(EVERY_MS);
    }
    await until('all updates to be seen', async () => (await seen(url)) - before >= UPDATES);
  });
  return (busy.used - (idle.used / idle.ms) * busy.ms) / UPDATES;
}

/** The processor time that the gateway uses meanwhile, in microseconds. */
async function micros(gateway: Server, act: () => Promise<unknown>): Promise<{ used: number; ms: number }> {
  const [before, from] = [gateway.cpuMicros(), performance.now()];
  await act();
  return { used: gateway.cpuMicros() - before, ms: performance.now() - from };
}

/** Moves so many percent of a route's traffic to its first revision. */
function shift(server: FakeApiServer, name: string, percent: number): void {
  const route = server.get(ROUTES, { namespace: 'demo', name });
  const [latest] = route?.status?.traffic ?? [];
  if (!route?.status || !latest) throw new Error(`route ${name} has no traffic`);
  const traffic = [
    { ...latest, percent: 100 - percent },
    { ...latest, revisionName: `${name}-00001`, latestRevision: false, percent },
  ];
  server.put({ ...route, status: { ...route.status, traffic } });
}
