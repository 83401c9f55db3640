import assert from 'node:assert/strict';
import { deploymentName } from '../../apis/names.ts';
import { DEPLOYMENTS } from '../../kube/core.ts';
import { FakeApiServer, Rejection } from '../../testing/fakeApiServer.ts';
import { silent, until } from '../../testing/until.ts';
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

  it('stops when no request waits any more', async () => {
    let asked = 0;
    await waker.wake('ns/a', () => asked++ < 2);
    assert.equal(asked, 3);
    assert.deepEqual(patches(), []);
  });
});
