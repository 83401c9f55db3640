import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { deploymentName } from '../../apis/names.ts';
import { KubeClient } from '../../kube/client.ts';
import { DEPLOYMENTS } from '../../kube/core.ts';
import { FakeApiServer, Rejection } from '../../testing/fakeApiServer.ts';
import { listen } from '../../testing/fakeHttp.ts';
import { isBeforeTimer, silent, until } from '../../testing/until.ts';
import { queueLimitMs } from './startTimes.ts';
import { Waker } from './wake.ts';

describe('Waker', () => {
  let api: FakeApiServer;
  let waker: Waker;
  const name = deploymentName('a');
  const patches = () => api.requests.filter(({ method }) => method === 'PATCH');
  const replicas = async () => (await api.client.get(DEPLOYMENTS, { namespace: 'ns', name }))?.spec?.replicas;
  const scale = (count: number) =>
    api.put({
      apiVersion: DEPLOYMENTS.apiVersion,
      kind: DEPLOYMENTS.kind,
      metadata: { namespace: 'ns', name },
      spec: { replicas: count, selector: {}, template: {} },
    } as never);

  beforeEach(async () => {
    api = await FakeApiServer.start();
    waker = new Waker(api.client, silent, new AbortController().signal);
  });
  afterEach(() => api.close());

  it('raises a Deployment from zero to one, once for many calls', async () => {
    scale(0);
    const raised = await Promise.all(Array.from({ length: 5 }, () => waker.wake('ns/a', () => true)));
    assert.deepEqual([await replicas(), patches().length], [1, 1]);
    assert.deepEqual(raised, Array(5).fill(true));
  });

  it('changes no other number of replicas', async () => {
    scale(4);
    assert.equal(await waker.wake('ns/a', () => true), false);
    assert.deepEqual([await replicas(), patches().length], [4, 0]);
  });

  it('sends the resourceVersion that it read, and reads again after a conflict', async () => {
    scale(0);
    // The autoscaler writes between our reading and our writing, which the API server therefore refuses.
    api.failNext(new Rejection(409, 'Conflict', 'changed'), ({ method }) => {
      if (method === 'PATCH') scale(3);
      return method === 'PATCH';
    });
    await waker.wake('ns/a', () => true);
    assert.equal(await replicas(), 3);
    const [{ body } = assert.fail()] = patches();
    assert.match(JSON.stringify(body), /"resourceVersion":"\d+"/);
    assert.equal(patches().length, 1);
  });

  it('tries again in small steps while it is needed', async () => {
    scale(0);
    api.failNext(new Rejection(500, 'InternalError', 'no'), ({ method }) => method === 'PATCH', 2);
    await waker.wake('ns/a', () => true);
    assert.deepEqual([await replicas(), patches().length], [1, 3]);
  });

  it('reads again while an instance that takes no request is still counted', async () => {
    scale(1);
    const woken = waker.wake(
      'ns/a',
      () => true,
      () => true,
    );
    await until(
      'it has looked twice',
      () => api.requests.filter(({ method }) => method === 'GET').length > 1,
    );
    scale(0);
    await woken;
    assert.deepEqual([await replicas(), patches().length], [1, 1]);
  });

  it('does not let a request wait in vain for an answer on a connection that is dead', async () => {
    scale(0);
    const nobody = await listen(0);
    const { port } = nobody.address() as AddressInfo;
    let sent = 0;
    const dispatcher = api.connection.dispatcher.compose((dispatch) => (options, handler) => {
      // What is sent on a connection whose other end has gone without a word arrives nowhere.
      const origin = sent++ === 0 ? `http://127.0.0.1:${port}` : (options.origin as string);
      return dispatch({ ...options, origin }, handler);
    });
    const client = new KubeClient({ ...api.connection, dispatcher });
    const woken = new Waker(client, silent, new AbortController().signal).wake('ns/a', () => true);
    try {
      assert.ok(
        await isBeforeTimer(woken, queueLimitMs(1000, true, 240_000)),
        'the request got 429 meanwhile',
      );
      assert.equal(await replicas(), 1);
    } finally {
      nobody.closeAllConnections();
      nobody.close();
    }
  });

  it('stops when no request waits any more', async () => {
    let asked = 0;
    await waker.wake('ns/a', () => asked++ < 2);
    assert.equal(asked, 3);
    assert.deepEqual(patches(), []);
  });
});
