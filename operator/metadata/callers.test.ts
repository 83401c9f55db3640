import { equal, match, rejects } from 'node:assert/strict';
import { PODS } from '../kube/core.ts';
import { FakeApiServer } from '../testing/fakeApiServer.ts';
import { silent, until } from '../testing/until.ts';
import { Callers } from './callers.ts';
import { instance } from './testing/pods.ts';

const ip = '10.0.0.5';
const refOf = (name: string) => ({ namespace: 'shop', name });

describe('Callers', () => {
  let server: FakeApiServer;
  let callers: Callers;
  let stop: AbortController;
  let running: Promise<void>;

  beforeEach(async () => {
    server = await FakeApiServer.start();
    stop = new AbortController();
    callers = new Callers({ client: server.client, log: silent, waitMs: 300 });
    running = callers.informer.run(stop.signal);
    await callers.informer.synced;
    await until('the watch to be open', () => server.watches === 1);
  });

  afterEach(async () => {
    stop.abort();
    await running;
    await server.close();
  });

  const known = (name: string) =>
    until(`${name} in the store`, () => callers.informer.store.get(`shop/${name}`));
  const nameAt = async (address: string) => (await callers.at(address)).metadata.name;
  const certainNameAt = async (address: string) => (await callers.certainlyAt(address)).metadata.name;

  it('identifies an instance by its address', async () => {
    server.put(instance('a', { ip, ips: [ip, 'fd00::5'] }));
    await known('a');
    equal(await nameAt(ip), 'a');
    equal(await nameAt('fd00::5'), 'a');
    equal(await certainNameAt(ip), 'a');
  });

  it('lets a new pod wait until the API shows its address', async () => {
    server.put(instance('a'));
    const asked = nameAt(ip);
    server.put(instance('a', { ip }));
    equal(await asked, 'a');
  });

  it('asks the API server for an address that the watch does not show', async () => {
    server.storage.listeners.clear();
    server.put(instance('a', { ip }));
    equal(await nameAt(ip), 'a');
  });

  it('makes one lookup for many requests from one unknown address', async () => {
    server.requests = [];
    const asked = await Promise.allSettled(Array.from({ length: 20 }, () => callers.at(ip)));
    equal(
      asked.every(({ status }) => status === 'rejected'),
      true,
    );
    equal(server.requests.length <= 2, true);
  });

  it('rejects an address that stays unknown', async () => {
    await rejects(callers.at(ip), {
      code: 'CALLER_UNKNOWN',
      message: /no instance has the address 10\.0\.0\.5/,
    });
  });

  it('rejects a pod that is no instance, at once', async () => {
    server.put(instance('other', { ip, labels: { app: 'shell' } }));
    await known('other');
    await rejects(callers.at(ip), { code: 'CALLER_UNKNOWN', message: /shop\/other, which is no instance/ });
  });

  it('accepts tasks and workers too', async () => {
    server.put(instance('task', { ip, labels: { 'run.googleapis.com/execution': 'nightly-x' } }));
    await known('task');
    equal(await nameAt(ip), 'task');
  });

  it('waits while two pods claim an address, and rejects if they keep claiming it', async () => {
    server.put(instance('a', { ip }));
    server.put(instance('b', { ip }));
    await known('b');
    const asked = nameAt(ip);
    server.put(instance('a', { ip, phase: 'Succeeded' }));
    equal(await asked, 'b');
    server.put(instance('c', { ip }));
    await known('c');
    await rejects(callers.at(ip), { code: 'CALLER_CONTESTED', message: /b and pod shop\/c both have it/ });
  });

  it('does not take a new pod for the one that had its address, however far the watch lags behind', async () => {
    server.put(instance('old', { ip }));
    await known('old');
    // From here on the watch says nothing more, as over a half-open connection.
    server.storage.listeners.clear();
    server.remove(PODS, refOf('old'));
    server.put(instance('new', { ip, account: 'other' }));
    equal(await nameAt(ip), 'old', 'the watch does not know better');
    equal(await certainNameAt(ip), 'new');
    server.remove(PODS, refOf('new'));
    await rejects(callers.certainlyAt(ip), { code: 'CALLER_UNKNOWN' });
  });

  it('sees a pod that is about to take over an address, however far the watch lags behind', async () => {
    server.put(instance('old', { ip }));
    await known('old');
    server.storage.listeners.clear();
    server.put(instance('old', { ip, deleting: true }));
    equal(await certainNameAt(ip), 'old', 'a program may use its last seconds');
    server.put(instance('new', { scheduledAt: Date.now() }));
    await rejects(callers.certainlyAt(ip), { code: 'CALLER_CONTESTED', message: /new may have got it/ });
  });

  it('is certain of a task by its second address too', async () => {
    server.put(instance('task', { ip, ips: [ip, 'fd00::5'], restartPolicy: 'Never' }));
    await known('task');
    equal(await certainNameAt('fd00::5'), 'task');
  });

  it('distinguishes a pod from the next one of the same name', async () => {
    server.put(instance('a', { ip, uid: 'first' }));
    await known('a');
    server.storage.listeners.clear();
    server.remove(PODS, refOf('a'));
    server.put(instance('a', { ip, uid: 'second' }));
    equal((await callers.certainlyAt(ip)).metadata.uid, 'second');
  });

  it('gives no certainty while the API server cannot be asked', async () => {
    server.put(instance('a', { ip }));
    await known('a');
    server.kill();
    equal(await nameAt(ip), 'a');
    await rejects(callers.certainlyAt(ip), { code: 'KUBE_UNREACHABLE' });
  });

  it('keeps little of each pod', async () => {
    server.put(instance('a', { ip }));
    const kept = JSON.stringify(await known('a'));
    match(kept, /"serviceAccountName":"worker"/);
    equal(kept.includes('containers') || kept.includes('"app"'), false);
  });
});
