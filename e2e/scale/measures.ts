import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { conditionOf } from '../../operator/apis/condition.ts';
import { SERVICES, type Service } from '../../operator/apis/serving/service/types.ts';
import type { ObjectRef } from '../../operator/kube/types.ts';
import { percentile } from '../lib/load.ts';
import { until } from '../lib/wait.ts';
import { IDLE_SECONDS, ROLES } from './installation.ts';
import { type Measure, measure } from './result.ts';
import type { Run } from './run.ts';
import { serviceOf, type Wanted } from './services.ts';

/** MB resident, with all that a run has. */
const MEMORY_MB: Readonly<Record<string, number>> = { controller: 250, gateway: 150 };
const TICK = 'homerun_autoscaler_tick_duration_seconds';
/** Nothing was written for so long: everybody has seen what is new, and the last instances that nothing needs have gone. */
const QUIET_MS = (IDLE_SECONDS + 15) * 1000;
const LONGEST_MS = 1_800_000;

/** Where the service of this number is. */
function refOf({ projects }: Run, index: number) {
  return { namespace: projects.open[index % projects.open.length] as string, name: `service-${index}` };
}

/** The services from the first to that of the number `count`, less one. */
export function servicesOf(run: Run, count: number, wanted: Omit<Wanted, 'port'>): Service[] {
  const port = run.program.port;
  return Array.from({ length: count }, (_, index) => serviceOf(refOf(run, index), { port, ...wanted }));
}

/** Milliseconds that it takes. */
async function timed(act: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await act();
  return performance.now() - start;
}

/** Milliseconds from applying one new service without instances to Ready, the median of some. */
export async function oneService(run: Run, name: string): Promise<number> {
  const { parameters, program, projects, services } = run;
  const samples: number[] = [];
  for (let index = 0; index < parameters.samples; index++) {
    const ref = {
      namespace: projects.open[index % projects.open.length] as string,
      name: `${name}-${index}`,
    };
    const service = serviceOf(ref, { port: program.port, initial: 0 });
    samples.push(await timed(() => services.ready([service])));
  }
  return percentile(samples, 0.5);
}

/** All services at once, and what each costs the API server. */
export async function manyServices(run: Run): Promise<Measure[]> {
  const { cluster, parameters, services } = run;
  const begin = cluster.audit.end;
  const all = servicesOf(run, parameters.services, { initial: 0 });
  const seconds = (await timed(() => services.ready(all))) / 1000;
  const { writes, reads } = cluster.audit.since(begin);
  return [
    measure('services-at-once', 's from the first apply to the last ready', seconds, 60),
    measure('services-at-once-writes', 'API writes for each', writes / parameters.services),
    measure('services-at-once-reads', 'API reads for each', reads / parameters.services),
  ];
}

/** Gives the first services instances until so many are ready by the controller's own count, besides that of `routed`. */
export async function instances(run: Run, name: string, pods: number, version: number): Promise<Measure> {
  const { installation, parameters, services } = run;
  const least = Math.ceil(pods / parameters.running);
  const wanted = servicesOf(run, parameters.running, { initial: 0, least, version });
  const areReady = async () => {
    return (await installation.role('controller').series('homerun_revision_actual_instances')) > pods;
  };
  const ms = await timed(async () => {
    await services.ready(wanted);
    await until(`${pods} instances`, areReady, { timeoutMs: LONGEST_MS, everyMs: 500 });
  });
  return measure(name, 's from the first apply until all are ready', ms / 1000);
}

/** Each service gets revisions until it has as many as it should, one round of all services after another. */
export async function revisions(run: Run): Promise<Measure> {
  const { parameters, services } = run;
  const ms = await timed(async () => {
    for (let version = 2; version <= parameters.revisions; version++) {
      const running = servicesOf(run, parameters.running, { initial: 0, least: 1, version });
      const idle = servicesOf(run, parameters.services, { initial: 0, version }).slice(parameters.running);
      await services.ready([...running, ...idle]);
    }
  });
  return measure('revisions', 's for all rounds of all services', ms / 1000);
}

/** What an update of one route costs the gateway, and how soon it serves by it. */
export async function routeUpdates(run: Run, name: string): Promise<Measure[]> {
  const { installation, parameters, program, projects, services } = run;
  const { updates } = parameters;
  const ref = { namespace: projects.open[0] as string, name: 'routed' };
  const tagged = (tag: string) => serviceOf(ref, { port: program.port, least: 1, tag });
  await services.ready([tagged(`${name}-first`)]);
  const gateway = installation.role('gateway');
  const idle = await cpuOf(gateway, () => sleep(3_000));
  const busy = await cpuOf(gateway, async () => {
    for (let index = 0; index < updates; index++) await services.ready([tagged(`${name}-${index}`)]);
  });
  const cpuMs = ((busy.share - idle.share) * busy.ms) / updates;
  const latencies: number[] = [];
  for (let index = 0; index < updates; index++) {
    const tag = `${name}-served-${index}`;
    const host = `${tag}---${ref.name}.${ref.namespace}.localhost`;
    latencies.push(
      await timed(async () => {
        await run.cluster.client.apply(SERVICES, tagged(tag), { fieldManager: 'scale' });
        await until(`${host} to be served`, () => serves(run, host), { everyMs: 5 });
      }),
    );
  }
  return [
    measure(`route-update-cpu-${name}`, 'ms CPU of the gateway', cpuMs),
    measure(
      `route-update-${name}`,
      'ms from apply until the gateway serves by it',
      percentile(latencies, 0.5),
    ),
  ];
}

/** The share of a processor that a role uses meanwhile. */
async function cpuOf(role: { cpuMicros: number }, act: () => Promise<unknown>) {
  const before = role.cpuMicros;
  const ms = await timed(act);
  return { ms, share: (role.cpuMicros - before) / 1000 / ms };
}

async function serves({ installation }: Run, host: string): Promise<boolean> {
  const { host: address, port } = installation.gateway;
  const { statusCode, body } = await request(`http://${address}:${port}/`, { headers: { host } });
  await body.dump();
  return statusCode === 200;
}

/** Waits until Homerun writes nothing any more; gives up without a word, as what is measured next tells it. */
export async function settle({ cluster, parameters }: Run): Promise<void> {
  const quietMs = Math.min(QUIET_MS, parameters.restSeconds * 1000);
  const end = performance.now() + LONGEST_MS / 6;
  for (let writes = 1; writes > 0 && performance.now() < end; ) {
    const begin = cluster.audit.end;
    await sleep(quietMs);
    writes = cluster.audit.since(begin).writes;
  }
}

/** What Homerun does while nobody does anything: API calls, CPU and the autoscaler's rounds; and its memory. */
export async function atRest(run: Run, stage: string): Promise<Measure[]> {
  const { cluster, installation, parameters } = run;
  const [controller, gateway] = [installation.role('controller'), installation.role('gateway')];
  await settle(run);
  const tick = async () =>
    [await controller.series(`${TICK}_sum`), await controller.series(`${TICK}_count`)] as const;
  const [begin, [sum, count], cpu] = [cluster.audit.end, await tick(), [controller, gateway].map(cpuMicros)];
  await sleep(parameters.restSeconds * 1000);
  const [calls, [sumAfter, countAfter]] = [cluster.audit.since(begin), await tick()];
  const shares = [controller, gateway].map(
    (role, index) => (role.cpuMicros - (cpu[index] ?? 0)) / 1e4 / parameters.restSeconds,
  );
  console.log(`${stage}, asked of the API server in ${parameters.restSeconds} s:`, calls.kinds);
  const perMinute = (value: number) => (value * 60) / parameters.restSeconds;
  const round = ((sumAfter - sum) / (countAfter - count)) * 1000;
  return [
    measure(`decision-round-${stage}`, 'ms, mean', round, 50),
    measure(`rest-writes-${stage}`, 'API writes a minute, but for leases', perMinute(calls.writes), 1),
    measure(`rest-reads-${stage}`, 'API reads a minute', perMinute(calls.reads), 60),
    measure(`rest-leases-${stage}`, 'reads and writes of leases a minute', perMinute(calls.leases)),
    measure(`rest-cpu-controller-${stage}`, '% of a processor', shares[0] ?? 0),
    measure(`rest-cpu-gateway-${stage}`, '% of a processor', shares[1] ?? 0),
    ...ROLES.map((role) =>
      measure(`memory-${role}-${stage}`, 'MB resident', installation.role(role).residentMb, MEMORY_MB[role]),
    ),
  ];
}

function cpuMicros(role: { cpuMicros: number }): number {
  return role.cpuMicros;
}

/** A service that needs an instance in each namespace without room says so; none of the others notices. */
export async function exhaustedQuotas(run: Run): Promise<Measure> {
  const { cluster, program, projects, services } = run;
  const refs = projects.exhausted.map((namespace) => ({ namespace, name: 'refused' }));
  const saysSo = (ref: ObjectRef) => {
    const { message } = conditionOf(services.get(ref)?.status?.conditions, 'Ready') ?? {};
    return message?.includes('exceeded quota') ?? false;
  };
  const ms = await timed(async () => {
    for (const ref of refs) {
      await cluster.client.apply(SERVICES, serviceOf(ref, { port: program.port }), { fieldManager: 'scale' });
    }
    await until('all services without room to say so', () => refs.every(saysSo), { everyMs: 20 });
  });
  return measure('quota-exhausted', 's until the conditions of all say so', ms / 1000);
}

/** From the start of another controller, after the first has ended as asked, until it has all objects and does its work. */
export async function controllerRestart(run: Run): Promise<Measure[]> {
  const { cluster, installation, program, projects, services } = run;
  const ref = { namespace: projects.open[0] as string, name: 'after-restart' };
  await installation.role('controller').stop();
  const begin = cluster.audit.end;
  const start = performance.now();
  const secondsUntil = async (done: Promise<unknown>) => {
    await done;
    return (performance.now() - start) / 1000;
  };
  const controller = await installation.startRole('controller');
  const service = serviceOf(ref, { port: program.port, initial: 0 });
  const [synced, served] = await Promise.all([
    secondsUntil(controller.ready()),
    secondsUntil(services.ready([service])),
  ]);
  await settle(run);
  const { writes, kinds } = cluster.audit.since(begin);
  console.log('asked of the API server since the controller was started again:', kinds);
  return [
    measure('controller-restart-synced', 's until it has all objects', synced),
    measure('controller-restart-service', 's until a new service is ready', served),
    measure('controller-restart-writes', 'API writes, those for the new service too', writes),
  ];
}
