import assert from 'node:assert/strict';
import { EXECUTIONS } from './apis/run/execution/types.ts';
import { JOBS } from './apis/run/job/types.ts';
import { WORKER_POOLS } from './apis/run/workerPool/types.ts';
import { CONFIGURATIONS } from './apis/serving/configuration/types.ts';
import { REVISIONS } from './apis/serving/revision/types.ts';
import { ROUTES } from './apis/serving/route/types.ts';
import { SERVICES } from './apis/serving/service/types.ts';
import { parseConfig } from './config.ts';
import { runController } from './controller.ts';
import { LEASES } from './kube/core.ts';
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

  it('goes on in the same process after an API server that was away for longer than its lease lasts', async () => {
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
    server.kill();
    const since = performance.now();
    await until('eighteen seconds to pass', () => performance.now() - since > 18_000);
    assert.equal(isOver, false, 'the process goes on');
    await server.restart();
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
});
