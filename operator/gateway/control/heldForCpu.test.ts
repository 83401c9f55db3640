import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { PassThrough } from 'node:stream';
import { request } from 'undici';
import { WebSocket, WebSocketServer } from 'ws';
import { SERVING } from '../../apis/labels.ts';
import { IDLE_CPU_ANNOTATION } from '../../apis/serving/revision/idleCpu.ts';
import { ROUTES, type Route } from '../../apis/serving/route/types.ts';
import { PODS, type Pod } from '../../kube/core.ts';
import { Rejection } from '../../testing/fakeApiServer.ts';
import { until } from '../../testing/until.ts';
import type { StatsReport } from '../shared/statsReport.ts';
import { servedRevision, useGatewayRole } from '../testing/gatewayRole.ts';
import { ask } from '../testing/harness.ts';

const HOST = 'hello.ns.test';
const IDLE = '127.0.0.1';
const BUSY = '127.0.0.2';

/** An instance at an address: what is asked for it, and what the kubelet has given it. */
function instance(podIP: string, asked: string, given: string): Pod {
  const requests = (cpu: string) => ({ requests: { cpu } });
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace: 'ns',
      name: podIP,
      uid: podIP,
      labels: { [SERVING.revision]: 'hello-1', [SERVING.revisionUID]: 'uid-hello-1' },
      annotations: { [IDLE_CPU_ANNOTATION]: '{"user":"100m"}' },
    },
    spec: { containers: [{ name: 'user', image: 'x', resources: requests(asked) }] },
    status: {
      phase: 'Running',
      podIP,
      containerStatuses: [{ name: 'user', containerID: podIP, ready: true, resources: requests(given) }],
    },
  } as unknown as Pod;
}

describe('gateway role and instances whose CPU request is lowered', () => {
  const role = useGatewayRole();
  let sockets: WebSocketServer;
  /** The addresses of the instances that got a request, in order. */
  let served: string[];

  const program = (at: string, on = 0): Promise<number> => {
    const server = createServer(async (request, response) => {
      served.push(at);
      response.end(`hello ${await textOf(request)}`);
    });
    server.on('upgrade', (request, socket, head) => {
      served.push(at);
      sockets.handleUpgrade(request, socket, head, (ws) => ws.send('hello'));
    });
    return role.program(server, at, on);
  };

  beforeEach(async () => {
    served = [];
    sockets = new WebSocketServer({ noServer: true });
    const port = await program(IDLE);
    await program(BUSY, port);
    role.api.put(servedRevision('hello-1', port, { timeoutSeconds: 300 }));
    role.api.put({
      apiVersion: ROUTES.apiVersion,
      kind: ROUTES.kind,
      metadata: { namespace: 'ns', name: 'hello' },
      spec: {},
      status: { traffic: [{ revisionName: 'hello-1', percent: 100 }] },
    } as Route);
  });

  const begin = (idleCpuHoldSeconds = 8) => role.begin({ autoscaler: { idleCpuHoldSeconds } });
  const origin = () => `http://127.0.0.1:${role.port}`;
  const get = () => ask(origin(), '/', { host: HOST });
  const admin = async (path: string) => (await role.admin(path)).text;
  const waiting = (count: number) =>
    until(`${count} wait`, async () => {
      const { revisions } = JSON.parse(await admin('/stats')) as StatsReport;
      return revisions['ns/hello-1']?.queued === count;
    });
  /** Waits that have ended in this process. */
  const waits = async (outcome: string) => {
    const series = `homerun_gateway_cpu_restore_seconds_count{outcome="${outcome}"} `;
    return Number((await admin('/metrics')).split(series)[1]?.split('\n')[0] ?? 0);
  };
  const resizes = () =>
    role.api.requests.filter(({ path }) => path.endsWith('/resize')).map(({ path }) => path);
  const requested = async () =>
    (await role.api.client.get(PODS, { namespace: 'ns', name: IDLE }))?.spec?.containers[0]?.resources
      ?.requests;

  it('holds requests of every protocol back until the kubelet has given the CPU', async () => {
    role.api.put(instance(IDLE, '1m', '1m'));
    await begin();
    const before = await waits('restored');
    assert.deepEqual(resizes(), [], 'nothing needs it');
    const upload = new PassThrough();
    const uploaded = request(origin(), { method: 'POST', headers: { host: HOST }, body: upload });
    upload.write('wor');
    const session = connectHttp2(origin());
    const stream = session.request({ ':path': '/', ':authority': HOST });
    const response = once(stream, 'response');
    const ws = new WebSocket(`ws://127.0.0.1:${role.port}/`, { headers: { host: HOST } });
    const message = once(ws, 'message');
    const asked = get();
    await waiting(4);
    await until('the CPU request is restored', async () => (await requested())?.cpu === '100m');
    assert.deepEqual(new Set(resizes()), new Set([`/api/v1/namespaces/ns/pods/${IDLE}/resize`]));
    role.api.put(instance(IDLE, '100m', '2m'));
    await waiting(4);
    assert.deepEqual(served, [], 'the kubelet has not done it yet');
    role.api.put(instance(IDLE, '100m', '100m'));
    assert.equal((await asked).status, 200);
    upload.end('ld');
    assert.equal(await (await uploaded).body.text(), 'hello world');
    assert.equal((await response)[0][':status'], 200);
    assert.equal(String((await message)[0]), 'hello');
    ws.terminate();
    session.destroy();
    assert.equal(await waits('restored'), before + 1);
  });

  it('waits for the controller where it may not restore the CPU itself', async () => {
    role.api.put(instance(IDLE, '1m', '1m'));
    await begin();
    const forbidden = new Rejection(403, 'Forbidden', 'not the gateway');
    role.api.failNext(forbidden, ({ path }) => path.endsWith('/resize'), Number.POSITIVE_INFINITY);
    const asked = get();
    await until('it has tried', () => resizes().length > 0);
    await waiting(1);
    role.api.put(instance(IDLE, '100m', '100m'));
    assert.equal((await asked).status, 200);
    assert.equal(resizes().length, 1);
  });

  it('forwards requests after the limit, and counts that', async () => {
    role.api.put(instance(IDLE, '1m', '1m'));
    await begin(0.2);
    const before = await waits('limit');
    const began = performance.now();
    assert.equal((await get()).status, 200);
    assert.ok(performance.now() - began >= 190, 'it has waited');
    assert.equal(await waits('limit'), before + 1);
    // The kubelet has given nothing yet.
    for (let i = 0; i < 3; i++) assert.equal((await get()).status, 200);
    assert.equal(await waits('limit'), before + 1, 'the others have not waited');
  });

  it('holds nothing back where another instance has its CPU and a free slot', async () => {
    role.api.put(instance(IDLE, '1m', '1m'));
    role.api.put(instance(BUSY, '100m', '100m'));
    await begin();
    await until('it serves', async () => (await get()).status === 200);
    const answers = await Promise.all(Array.from({ length: 20 }, get));
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
    assert.deepEqual(new Set(served), new Set([BUSY]));
    assert.deepEqual(resizes(), []);
  });
});

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of request) text += part;
  return text;
}
