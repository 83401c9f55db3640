import assert from 'node:assert/strict';
import { resourcePath } from '../kube/client.ts';
import { DEPLOYMENTS } from '../kube/core.ts';
import { FakeApiServer } from '../testing/fakeApiServer.ts';
import { silent } from '../testing/until.ts';
import { type ScaleChange, ScaleWriter } from './scaleWriter.ts';
import { DEPLOYMENT, deployment } from './testing/objects.ts';

const SCALE = resourcePath(DEPLOYMENTS, DEPLOYMENT, 'scale');

describe('ScaleWriter', () => {
  let server: FakeApiServer;

  beforeEach(async () => {
    server = await FakeApiServer.start();
  });
  afterEach(() => server.close());

  const replicas = () => server.get(DEPLOYMENTS, DEPLOYMENT)?.spec?.replicas;
  const scaleWrites = () => server.writes.filter(({ path }) => path === SCALE);

  /** A change from the number that a Deployment has now. */
  function changeTo(to: number): ScaleChange {
    const seen = server.get(DEPLOYMENTS, DEPLOYMENT);
    assert.ok(seen?.metadata.resourceVersion);
    const from = seen.spec?.replicas ?? 0;
    const none = { reason: 'load', instances: new Map(), remove: new Set<string>() };
    return { deployment: seen, from, to, seen: seen.metadata.resourceVersion, ...none };
  }

  const write = (change: ScaleChange) =>
    new ScaleWriter({ client: server.client, podsOf: () => [], log: silent }).write(change);

  it('raises with one request what has not changed', async () => {
    server.put(deployment(1));
    const change = changeTo(3);
    server.requests.length = 0;
    const { version } = await write(change);
    assert.equal(replicas(), 3);
    assert.equal(version, Number(server.get(DEPLOYMENTS, DEPLOYMENT)?.metadata.resourceVersion));
    assert.equal(server.requests.length, 1);
  });

  it('raises at once where a gateway has woken the revision, or an instance became ready, meanwhile', async () => {
    server.put(deployment(0));
    const change = changeTo(3);
    server.put(deployment(1));
    await write(change);
    assert.equal(replicas(), 3);
  });

  it('does not lower a number that was raised further than it knows', async () => {
    server.put(deployment(0));
    const change = changeTo(2);
    server.put(deployment(4));
    assert.deepEqual(await write(change), { unknown: false });
    assert.equal(replicas(), 4);
  });

  it('raises nothing of another Deployment of the same name', async () => {
    server.put(deployment(0));
    const change = changeTo(2);
    server.remove(DEPLOYMENTS, DEPLOYMENT);
    server.put(deployment(0));
    assert.deepEqual(await write(change), { unknown: false });
    assert.equal(replicas(), 0);
  });

  it('lowers nothing with a raise that the API server carries out after it was given up', async () => {
    server.put(deployment(0));
    server.failNext('reset', ({ path }) => path === SCALE);
    assert.deepEqual(await write(changeTo(2)), { unknown: true });
    const [late] = scaleWrites();
    await write(changeTo(4));
    const contentType = 'application/merge-patch+json';
    const carriedOut = server.client.request('PATCH', SCALE, { body: late?.body, contentType });
    await assert.rejects(carriedOut, { code: 'KUBE_CONFLICT' });
    assert.equal(replicas(), 4);
  });
});
