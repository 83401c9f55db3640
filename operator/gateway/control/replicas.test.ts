import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { fileURLToPath } from 'node:url';
import { Pool } from 'undici';
import { DOMAIN_MAPPINGS } from '../../apis/domains/domainMapping/types.ts';
import { SERVING } from '../../apis/labels.ts';
import { REVISIONS, type Revision } from '../../apis/serving/revision/types.ts';
import { ROUTES, type Route } from '../../apis/serving/route/types.ts';
import { PODS, type Pod } from '../../kube/core.ts';
import { FakeApiServer } from '../../testing/fakeApiServer.ts';
import { freePort } from '../../testing/freePort.ts';
import { Random } from '../../testing/random.ts';
import { until } from '../../testing/until.ts';
import { ask } from '../testing/harness.ts';

const PROCESS = fileURLToPath(new URL('../testing/gatewayProcess.ts', import.meta.url));
const NAMESPACE = 'sys';

interface Gateway {
  name: string;
  port: number;
  child: ChildProcess;
  pool: Pool;
}

const route = (name: string): Route => ({
  apiVersion: ROUTES.apiVersion,
  kind: ROUTES.kind,
  metadata: { namespace: 'ns', name },
  spec: {},
  status: { traffic: [{ revisionName: `${name}-1`, percent: 100 }] },
});

const revision = (name: string, containerConcurrency: number, containerPort: number): Revision => ({
  apiVersion: REVISIONS.apiVersion,
  kind: REVISIONS.kind,
  metadata: { namespace: 'ns', name, uid: `uid-${name}` },
  spec: {
    containerConcurrency,
    timeoutSeconds: 30,
    containers: [{ name: 'user', image: 'x', ports: [{ containerPort }] }],
  },
});

const instance = (name: string, of: string): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    namespace: 'ns',
    name,
    labels: { [SERVING.revision]: of, [SERVING.revisionUID]: `uid-${of}` },
  },
  spec: { containers: [{ name: 'user', image: 'x', ports: [{ containerPort: 1 }] }] },
  status: { phase: 'Running', podIP: '127.0.0.1' },
});

const gatewayPod = (name: string, ports: Record<string, number>, status: Pod['status'] = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    namespace: NAMESPACE,
    name,
    // The kubelet keeps a deleted pod until its processes have ended.
    finalizers: ['test/kubelet'],
    labels: { 'app.kubernetes.io/name': 'homerun', 'app.kubernetes.io/component': 'gateway' },
  },
  spec: {
    containers: [
      {
        name: 'gateway',
        image: 'x',
        ports: Object.entries(ports).map(([name, containerPort]) => ({ name, containerPort })),
      },
    ],
  },
  status: {
    phase: 'Running',
    podIP: '127.0.0.1',
    containerStatuses: [
      {
        name: 'gateway',
        ready: true,
        image: 'x',
        imageID: 'x',
        restartCount: 0,
        state: { running: { startedAt: new Date().toISOString() } },
      },
    ],
    ...status,
  },
});

const READY = { conditions: [{ type: 'Ready', status: 'True' }] };

/** Gateways in processes of their own before a fake API server, and a program that counts the requests in it. */
describe('several gateways', function () {
  // Processes start with each test, on a machine that may be busy.
  this.timeout(180_000);
  let api: FakeApiServer;
  let number = 0;
  const gateways: Gateway[] = [];
  const servers: Server[] = [];
  const pods = new Map<string, Record<string, number>>();

  /** Counts how many requests are in it at a time. */
  const program = async (serve: (done: () => void) => void) => {
    const counts = { present: 0, most: 0, served: 0 };
    const server = createServer((request, response) => {
      counts.present++;
      counts.most = Math.max(counts.most, counts.present);
      response.on('close', () => counts.present--);
      const forwarded = request.headers['x-forwarded-for'];
      request.resume().on('end', () =>
        serve(() => {
          counts.served++;
          response.end(JSON.stringify({ forwarded, marked: request.headers['x-homerun-forwarded'] }));
        }),
      );
    });
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return { counts, port: (server.address() as { port: number }).port };
  };

  const start = async (): Promise<Gateway> => {
    const name = `gw-${++number}`;
    const [port, internalPort, adminPort, gatewayPort] = [
      await freePort(),
      await freePort(),
      await freePort(),
      await freePort(),
    ];
    const ports = { admin: adminPort, gateway: gatewayPort };
    pods.set(name, ports);
    api.put(gatewayPod(name, ports));
    const config = {
      domain: 'test',
      adminPort,
      gateway: { port, internalPort, gatewayPort, threads: 2, drainSeconds: 20 },
    };
    const child = spawn(
      process.execPath,
      [PROCESS, api.connection.server, NAMESPACE, name, JSON.stringify(config)],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    const ready = async () =>
      (await ask(`http://127.0.0.1:${adminPort}`, '/readyz').catch(() => undefined))?.status === 200;
    await until(`${name} is ready`, ready, { timeoutMs: 90_000, everyMs: 50 });
    api.put(gatewayPod(name, ports, READY));
    const gateway = { name, port, child, pool: new Pool(`http://127.0.0.1:${port}`, { connections: 100 }) };
    gateways.push(gateway);
    return gateway;
  };

  /** As the kubelet reports it, a moment later. */
  const ended = (name: string): void => {
    const pod = gatewayPod(name, pods.get(name) ?? {}, { phase: 'Failed', containerStatuses: [] });
    api.put(pod);
    api.remove(PODS, pod.metadata);
    api.put({ ...pod, metadata: { ...pod.metadata, finalizers: [] } });
  };

  const kill = async (gateway: Gateway): Promise<void> => {
    gateways.splice(gateways.indexOf(gateway), 1);
    gateway.child.kill('SIGKILL');
    await once(gateway.child, 'exit');
    ended(gateway.name);
    await gateway.pool.destroy();
  };

  const drain = async (gateway: Gateway): Promise<void> => {
    const { name } = gateway;
    gateways.splice(gateways.indexOf(gateway), 1);
    api.remove(PODS, { namespace: NAMESPACE, name });
    gateway.child.kill('SIGTERM');
    await once(gateway.child, 'exit');
    ended(name);
    await gateway.pool.destroy();
  };

  const get = async ({ pool }: Gateway, host = 'hello.ns.test') => {
    const { statusCode, body } = await pool.request({ path: '/', method: 'GET', headers: { host } });
    return { status: statusCode, text: await body.text() };
  };

  const serve = (name: string, limit: number, port: number): void => {
    api.put(revision(`${name}-1`, limit, port));
    api.put(instance(`${name}-p1`, `${name}-1`));
    api.put(route(name));
  };

  beforeEach(async () => {
    api = await FakeApiServer.start({ types: [ROUTES, REVISIONS, DOMAIN_MAPPINGS] });
  });

  afterEach(async () => {
    for (const { child, pool } of gateways.splice(0)) {
      child.kill('SIGKILL');
      await pool.destroy();
    }
    await api.close();
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });

  it('never send two requests at once to an instance that takes one, and lose none', async () => {
    const { counts, port } = await program((done) => setTimeout(done, 2));
    serve('hello', 1, port);
    await Promise.all([start(), start(), start()]);
    const answers = await Promise.all(Array.from({ length: 300 }, (_, i) => get(gateways[i % 3] as Gateway)));
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
    assert.equal(counts.most, 1);
    const { forwarded, marked } = JSON.parse(answers[0]?.text as string);
    assert.deepEqual([forwarded, marked], ['127.0.0.1', undefined], 'the hop is not seen');
  });

  it('serve a revision that appears while one leaves that forwards its requests, and that one ends', async () => {
    const { counts, port } = await program((done) => done());
    serve('hello', 80, port);
    const leaving = await start();
    await start();
    const { name } = leaving;
    api.remove(PODS, { namespace: NAMESPACE, name });
    await until('its requests are forwarded', async () => {
      await get(leaving);
      const { text } = await ask(`http://127.0.0.1:${pods.get(name)?.admin}`, '/metrics');
      return /^homerun_gateway_forwarded_total [1-9]/m.test(text);
    });
    serve('later', 80, port);
    const served = counts.served;
    await until('it serves the new one', async () => (await get(leaving, 'later.ns.test')).status === 200);
    assert.equal((await get(leaving)).status, 200);
    assert.equal(counts.served, served + 2);
    await drain(leaving);
  });

  it('keep the limit while gateways join, drain and are killed', async () => {
    const [requests, clients] = [2000, 24];
    const random = new Random(1);
    const { counts, port } = await program((done) => setTimeout(done, random.below(3)));
    serve('hello', 1, port);
    await Promise.all([start(), start(), start()]);
    let left = requests;
    const killed = new Map<string, number>();
    const lost: string[] = [];
    const client = async (): Promise<void> => {
      while (left-- > 0) {
        const gateway = random.pick(gateways);
        const sentAt = performance.now();
        const { status, text } = await get(gateway).catch((error) => ({ status: 0, text: String(error) }));
        if (status === 200) continue;
        // What a killed gateway held is lost with it: the requests of its clients, and those that others forwarded to it.
        const died = [...killed.values()].some((at) => at >= sentAt);
        if ((status === 0 && killed.has(gateway.name)) || (status === 500 && died)) continue;
        lost.push(`${gateway.name} answered ${status} after ${performance.now() - sentAt} ms: ${text}`);
      }
    };
    const changes = async (): Promise<void> => {
      while (left > 0) {
        await start();
        const gateway = random.pick(gateways);
        if (random.chance(0.5)) {
          killed.set(gateway.name, Number.POSITIVE_INFINITY);
          await kill(gateway);
          killed.set(gateway.name, performance.now());
        } else await drain(gateway);
      }
    };
    await Promise.all([changes(), ...Array.from({ length: clients }, client)]);
    assert.deepEqual(lost, []);
    assert.ok(counts.served >= requests - clients * killed.size, `${counts.served} served`);
    assert.equal(counts.most, 1);
    assert.equal(counts.present, 0);
  });
});
