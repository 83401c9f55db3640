import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { EXECUTIONS } from './apis/run/execution/types.ts';
import { JOBS } from './apis/run/job/types.ts';
import { WORKER_POOLS } from './apis/run/workerPool/types.ts';
import { CONFIGURATIONS } from './apis/serving/configuration/types.ts';
import { REVISIONS } from './apis/serving/revision/types.ts';
import { ROUTES } from './apis/serving/route/types.ts';
import { SERVICES } from './apis/serving/service/types.ts';
import { parseConfig } from './config.ts';
import { runController } from './controller.ts';
import { LEASES, type Lease, type Pod } from './kube/core.ts';
import { microTime } from './kube/lease.ts';
import { FakeApiServer } from './testing/fakeApiServer.ts';
import { freePort } from './testing/freePort.ts';
import { PINNED, service } from './testing/serving.ts';
import { silent, until } from './testing/until.ts';

const KINDS = [SERVICES, CONFIGURATIONS, ROUTES, REVISIONS, JOBS, EXECUTIONS, WORKER_POOLS];

describe('the controller role', () => {
  let server: FakeApiServer;
  beforeEach(async () => {
    server = await FakeApiServer.start({ types: KINDS });
  });
  afterEach(() => server.close());

  it('lives while the API server says nothing, tells what it waits for, and ends when it is asked to', async () => {
    const adminPort = await freePort();
    const config = parseConfig({ adminPort });
    const stop = new AbortController();
    server.pause();
    const identity = { namespace: 'homerun-system', podName: 'test' };
    const running = runController(config, identity, server.client, silent, stop.signal);
    const get = async (path: string) => {
      const answer = await fetch(`http://127.0.0.1:${adminPort}${path}`, {
        headers: { connection: 'close' },
      });
      return [answer.status, await answer.text()];
    };
    const alive = await until('the admin port', () => get('/healthz').catch(() => undefined));
    assert.deepEqual(alive, [200, 'ok\n']);
    assert.deepEqual(await get('/readyz'), [503, 'waiting for the API server\n']);
    stop.abort();
    await running;
  });

  it('exports a span of each reconcile where a receiver is configured', async () => {
    const spans: { name: string; attributes: { key: string; value: { stringValue?: string } }[] }[] = [];
    const receiver = createServer(async (request, response) => {
      const { resourceSpans } = (await json(request)) as {
        resourceSpans: { scopeSpans: { scope: { name: string }; spans: typeof spans }[] }[];
      };
      const [scope] = resourceSpans[0]?.scopeSpans ?? [];
      assert.equal(scope?.scope.name, 'homerun.controller');
      spans.push(...(scope?.spans ?? []));
      response.end('{}');
    });
    await once(receiver.listen(0, '127.0.0.1'), 'listening');
    const endpoint = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
    const config = parseConfig({ adminPort: await freePort(), gateway: { tracing: { endpoint } } });
    const stop = new AbortController();
    const identity = { namespace: 'homerun-system', podName: 'test' };
    const running = runController(config, identity, server.client, silent, stop.signal);
    server.put(service('traced', { spec: { containers: [{ image: PINNED }] } }));
    const isOfService = ({ name, attributes }: (typeof spans)[number]) =>
      name === 'reconcile service' && attributes.some(({ value }) => value.stringValue === 'traced');
    await until('its span', () => spans.some(isOfService));
    stop.abort();
    await running;
    receiver.close();
  });

  for (const away of ['kill', 'pause'] as const) {
    it(`goes on in the same process after an API server that was away for longer than its lease lasts: ${away}`, async () => {
      const adminPort = await freePort();
      const config = parseConfig({ adminPort, webhook: { port: await freePort() } });
      const stop = new AbortController();
      const identity = { namespace: 'homerun-system', podName: 'test' };
      const ref = { namespace: identity.namespace, name: 'homerun-controller' };
      let isOver = false;
      const running = runController(config, identity, server.client, silent, stop.signal).finally(() => {
        isOver = true;
      });
      const makes = async (name: string) => {
        const { metadata, ...made } = service(name, { spec: { containers: [{ image: PINNED }] } });
        await server.client.create(SERVICES, { ...made, metadata: { name, namespace: 'demo' } });
        const isMade = () => server.get(CONFIGURATIONS, { namespace: 'demo', name });
        await until(`the configuration of ${name}`, isMade);
      };
      await makes('before');
      const before = server.get(LEASES, ref)?.spec;
      server[away]();
      const since = performance.now();
      await until('eighteen seconds to pass', () => performance.now() - since > 18_000);
      assert.equal(isOver, false, 'the process goes on');
      if (away === 'pause') server.resume();
      else await server.restart();
      await makes('after');
      const { acquireTime, leaseTransitions } = server.get(LEASES, ref)?.spec ?? {};
      assert.deepEqual(
        { acquireTime, leaseTransitions },
        {
          acquireTime: before?.acquireTime,
          leaseTransitions: before?.leaseTransitions,
        },
      );
      stop.abort();
      await running;
      assert.equal(server.get(LEASES, ref)?.spec?.holderIdentity, '');
    });
  }

  it('leads within seconds when the kubelet says that the leader has ended, long before its lease is over', async () => {
    const identity = { namespace: 'homerun-system', podName: 'second' };
    const ref = { namespace: identity.namespace, name: 'homerun-controller' };
    const renewedAt = Date.now();
    server.put({
      apiVersion: LEASES.apiVersion,
      kind: LEASES.kind,
      metadata: ref,
      spec: { holderIdentity: 'first', leaseDurationSeconds: 3600, renewTime: microTime(renewedAt) },
    } as Lease);
    const terminated = { exitCode: 137, finishedAt: new Date(renewedAt - 900).toISOString() };
    server.put({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace: identity.namespace, name: 'first' },
      spec: { containers: [{ name: 'controller' }] },
      status: { phase: 'Running', containerStatuses: [{ name: 'controller', state: { terminated } }] },
    } as unknown as Pod);
    const stop = new AbortController();
    const config = parseConfig({ adminPort: await freePort() });
    const running = runController(config, identity, server.client, silent, stop.signal);
    const holder = () => server.get(LEASES, ref)?.spec?.holderIdentity;
    await until('the second to lead', () => holder() === 'second');
    stop.abort();
    await running;
    assert.equal(holder(), '');
    assert.ok(server.requests.some(({ path }) => path.endsWith('/pods/first')));
  });
});
