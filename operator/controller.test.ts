import assert from 'node:assert/strict';
import { parseConfig } from './config.ts';
import { runController } from './controller.ts';
import { freePort } from './testing/apiServer.ts';
import { FakeApiServer } from './testing/fakeApiServer.ts';
import { silent, until } from './testing/until.ts';

describe('the controller role', () => {
  let server: FakeApiServer;
  beforeEach(async () => {
    server = await FakeApiServer.start();
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
});
