import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { DOMAIN_MAPPINGS } from '../../apis/domains/domainMapping/types.ts';
import { SERVING } from '../../apis/labels.ts';
import { REVISIONS, type Revision } from '../../apis/serving/revision/types.ts';
import { ROUTES } from '../../apis/serving/route/types.ts';
import { SERVICES } from '../../apis/serving/service/types.ts';
import { parseConfig } from '../../config.ts';
import { Control } from '../../gateway/control/control.ts';
import { StatsReporter } from '../../gateway/control/report.ts';
import { checkOrders } from '../../gateway/shared/drainProtocol.ts';
import { DEPLOYMENTS, PODS, type Pod, ROLE_BINDINGS } from '../../kube/core.ts';
import { Informer } from '../../kube/informer.ts';
import { FakeApiServer } from '../../testing/fakeApiServer.ts';
import { freePort } from '../../testing/freePort.ts';
import { Random } from '../../testing/random.ts';
import { ResponsiveClock } from '../../testing/slowness.ts';
import { silent, until } from '../../testing/until.ts';
import { Cluster } from './cluster.ts';
import { deployment, revision, route } from './objects.ts';
import { runAutoscaler } from './run.ts';

/**
 * The autoscaler's clock runs so much faster, so that an idle second is over soon. It stands still while this process
 * waits for a processor: otherwise gateways, which wait with it, would be given up as lost within a fifth of a second.
 */
const SPEED = 50;
/** Revisions that are scaled in beside each other. */
const REVISIONS_AT_ONCE = 30;
/** A request comes within so long after a step of the scale-in. */
const JITTER_MS = 25;

export interface ScaleIns {
  /** Requests that were answered neither with 200 nor with 429, with the moment at which they came. */
  readonly lost: readonly string[];
  /** How many requests came at each moment of a scale-in. */
  readonly moments: Readonly<Record<Moment, number>>;
  readonly deleted: number;
  /**
   * Milliseconds of the slowest answer beyond the program's own time, without what this process waited for a processor;
   * infinite if a request waited in vain (429).
   */
  readonly slowest: number;
}

/** How far the scale-in is when a request arrives: the last order for the instance, or the number. */
export type Moment = 'serving' | 'drain' | 'release' | 'remove' | 'lowered' | 'gone';

const STEPS = ['remove', 'release', 'drain'] as const;
const AIMS: readonly Moment[] = ['serving', 'drain', 'drain', 'release', 'release', 'lowered', 'gone'];

/**
 * Sends requests, one to three at once, to revisions that are scaled in between, at moments of their own: two
 * real gateways with data threads, the real autoscaler, and programs that die with their pods.
 *
 * @param rounds how many requests in all.
 * @param seed of the random moments.
 */
export async function scaleIns(rounds: number, seed: number): Promise<ScaleIns> {
  const random = new Random(seed);
  const server = await FakeApiServer.start({ types: [REVISIONS, SERVICES, ROUTES, DOMAIN_MAPPINGS] });
  const port = await freePort();
  const cluster = new Cluster(server, port, () => random.next() * 15);
  const stop = new AbortController();
  const first = await startGateway(server, '127.0.0.1', 0, stop.signal);
  const second = await startGateway(server, '127.0.0.2', first.adminPort, stop.signal);
  const gateways = [first, second];
  const start = Date.now();
  const clock = new ResponsiveClock();
  const autoscaler = runAutoscaler({
    client: server.client,
    gatewayPort: first.adminPort,
    signal: stop.signal,
    now: () => start + clock.now() * SPEED,
  });
  const agent = new Agent({ connections: 200 });
  const lost: string[] = [];
  const moments: Record<Moment, number> = {
    serving: 0,
    drain: 0,
    release: 0,
    remove: 0,
    lowered: 0,
    gone: 0,
  };
  let left = rounds;
  let slowest = 0;
  const one = async (name: string, moment: Moment, port: number) => {
    const workMs = random.next() * 60;
    const startedAt = clock.now();
    const said = await call(agent, port, name, workMs);
    slowest = Math.max(slowest, clock.now() - startedAt - workMs);
    moments[moment]++;
    if (said.startsWith('429')) slowest = Number.POSITIVE_INFINITY;
    else if (said !== '200 done') lost.push(`${moment}: ${said}`);
  };
  const callInTurn = async (name: string) => {
    while (left > 0) {
      // Several at once start several instances, which are removed one by one.
      const burst = random.between(1, 3);
      left -= burst;
      const now = () => momentOf(name, server, cluster, first.orders());
      await untilMoment(now, random.pick(AIMS));
      await sleep(random.next() * JITTER_MS);
      const moment = now();
      const ports = Array.from({ length: burst }, () => (random.chance(0.5) ? first.port : second.port));
      await Promise.all(ports.map((port) => one(name, moment, port)));
    }
  };
  const names = Array.from({ length: REVISIONS_AT_ONCE }, (_, i) => `app-${i}`);
  for (const name of names) serve(server, name, port);
  await until('the gateway knows all services', () =>
    gateways.every(({ served }) => served() === names.length),
  );
  try {
    await Promise.all(names.map(callInTurn));
  } finally {
    stop.abort();
    clock.stop();
    await autoscaler;
    await agent.destroy();
    await Promise.all(gateways.map((gateway) => gateway.close()));
    await cluster.close();
    await server.close();
  }
  return { lost, moments, deleted: cluster.deleted, slowest };
}

/** A gateway with real data threads, whose admin port takes the autoscaler's orders; it is the same for all, as for pods. */
async function startGateway(server: FakeApiServer, address: string, adminPort: number, signal: AbortSignal) {
  const [port, internalPort, gatewayPort] = [await freePort(), await freePort(), await freePort()];
  const config = parseConfig({ gateway: { port, internalPort, gatewayPort } });
  const { client } = server;
  const control = new Control({
    config,
    namespace: 'homerun-system',
    podName: 'gateway',
    client,
    threads: 2,
    log: silent,
    signal,
  });
  const routes = new Informer({ client, log: silent, type: ROUTES });
  const revisions = new Informer({ client, log: silent, type: REVISIONS });
  const pods = new Informer({ client, log: silent, type: PODS, labelSelector: SERVING.revision });
  const domainMappings = new Informer({ client, log: silent, type: DOMAIN_MAPPINGS });
  const bindings = new Informer({ client, log: silent, type: ROLE_BINDINGS });
  const watched = { routes, revisions, pods, domainMappings, bindings };
  control.watch(watched);
  const watching = Object.values(watched).map((informer) => informer.run(signal));
  await control.start();
  const reporter = new StatsReporter(control);
  let orders: Readonly<Record<string, string>> = {};
  const admin = createServer((asked, response) => {
    void text(asked).then((body) => {
      const received = checkOrders(JSON.parse(body));
      orders = received.instances;
      response.end(JSON.stringify(reporter.report(received)));
    });
  });
  admin.listen(adminPort, address);
  await once(admin, 'listening');
  server.put(gatewayPod(address));
  return {
    port,
    adminPort: (admin.address() as { port: number }).port,
    orders: () => orders,
    served: () => control.table.entries.size,
    async close() {
      await control.stop(0);
      await Promise.all(watching);
      admin.closeAllConnections();
      admin.close();
    },
  };
}

function serve(server: FakeApiServer, name: string, port: number): void {
  const made = revision({ 'scale-to-zero-pod-retention-period': '5s', window: '6s' }, 'True', name);
  const containers = [{ name: 'app', image: 'app', ports: [{ containerPort: port }] }];
  server.put({ ...made, spec: { ...made.spec, containers, containerConcurrency: 1 } } as Revision);
  server.put(route(name, name));
  server.put(deployment(0, name));
}

function momentOf(
  name: string,
  server: FakeApiServer,
  cluster: Cluster,
  orders: Readonly<Record<string, string>>,
): Moment {
  const pods = cluster.podsOf(name);
  if (pods.length === 0) return 'gone';
  const { metadata } = deployment(0, name);
  if ((server.get(DEPLOYMENTS, metadata)?.spec?.replicas ?? 0) < pods.length) return 'lowered';
  const steps = new Set(pods.map(({ metadata: { uid = '' } }) => orders[uid]));
  return STEPS.find((step) => steps.has(step)) ?? 'serving';
}

/** Waits for a moment; one that is as short as the turn of an event loop may be missed, and then any will do. */
async function untilMoment(now: () => Moment, aim: Moment | undefined): Promise<void> {
  const deadline = performance.now() + 300;
  while (now() !== aim && performance.now() < deadline) await sleep(1);
}

async function call(agent: Agent, port: number, name: string, workMs: number): Promise<string> {
  try {
    const { statusCode, body } = await request(`http://127.0.0.1:${port}/`, {
      dispatcher: agent,
      headers: { host: `${name}.n.localhost`, 'x-work-ms': String(workMs) },
    });
    return `${statusCode} ${await body.text()}`;
  } catch (error) {
    return String(error);
  }
}

function gatewayPod(address: string): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `gateway-${address}`,
      namespace: 'homerun-system',
      labels: { 'app.kubernetes.io/name': 'homerun', 'app.kubernetes.io/component': 'gateway' },
    },
    spec: { containers: [] },
    status: { phase: 'Running', podIP: address, conditions: [{ type: 'Ready', status: 'True' }] },
  } as unknown as Pod;
}
