import assert from 'node:assert/strict';
import { FakeApiServer, Rejection } from '../testing/fakeApiServer.ts';
import { silent, until } from '../testing/until.ts';
import { OptionalInformer, type OptionalInformerOptions } from './optional.ts';
import { type KubeObject, namespaced } from './types.ts';

const WIDGETS = namespaced('example.com/v1', 'Widget', 'widgets');
const RECHECK_MS = 20;

describe('OptionalInformer', () => {
  let server: FakeApiServer;
  let stop: AbortController;
  let running: Promise<void>[];

  beforeEach(async () => {
    server = await FakeApiServer.start();
    stop = new AbortController();
    running = [];
  });

  afterEach(async () => {
    stop.abort();
    await Promise.all(running);
    await server.close();
  });

  /** A running informer, and what it reported: names of objects, and `+` or `-` for the kind itself. */
  function start(options: Partial<OptionalInformerOptions<KubeObject>> = {}) {
    const informer = new OptionalInformer<KubeObject>({
      client: server.client,
      type: WIDGETS,
      namespace: 'ns',
      log: silent,
      random: () => 0,
      enabled: true,
      recheckMs: RECHECK_MS,
      ...options,
    });
    const reported: string[] = [];
    informer.onChange(({ type, object }) => reported.push(`${type} ${object.metadata.name}`));
    informer.onAvailability(() => reported.push(informer.unavailable ? '-' : '+'));
    running.push(informer.run(stop.signal));
    return { informer, reported };
  }
  const widget = (name: string): KubeObject => ({
    apiVersion: WIDGETS.apiVersion,
    kind: WIDGETS.kind,
    metadata: { name, namespace: 'ns' },
  });

  it('is empty while the kind is not served, and fills when it is', async () => {
    const { informer, reported } = start();
    await informer.synced;
    assert.equal(informer.unavailable?.code, 'KUBE_NOT_FOUND');
    const asked = () => server.requests.length;
    await until('it is looked for again', () => asked() >= 3);
    server.serve(WIDGETS);
    server.put(widget('a'));
    await until('it fills', () => informer.store.get('ns/a') !== undefined);
    server.put(widget('b'));
    await until('it is watched', () => informer.store.get('ns/b') !== undefined);
    assert.deepEqual(reported, ['-', '+', 'added a', 'added b']);
    assert.equal(informer.unavailable, undefined);
  });

  it('empties when the kind goes', async () => {
    server.serve(WIDGETS);
    server.put(widget('a'));
    const { informer, reported } = start();
    await until('it is filled', () => informer.store.get('ns/a') !== undefined);
    const gone = new Rejection(404, 'NotFound', 'the server could not find the requested resource');
    server.failNext(gone, ({ path }) => path.endsWith('/widgets'), 3);
    server.dropConnections();
    await until('it is empty', () => informer.store.size === 0);
    await until('it comes back', () => informer.store.size === 1);
    assert.deepEqual(reported, ['added a', '-', 'deleted a', '+', 'added a']);
  });

  it('does not take what passes for an absence, once the kind was read', async () => {
    server.serve(WIDGETS);
    server.put(widget('a'));
    const { informer, reported } = start();
    await until('it is watched', () => server.watches === 1);
    server.compact();
    server.failNext(new Rejection(403, 'Forbidden', 'not yet'), ({ query }) => !query.has('watch'), 2);
    server.kill();
    server.put(widget('b'));
    server.compact();
    await server.restart();
    await until('it is listed anew', () => informer.store.get('ns/b') !== undefined);
    assert.deepEqual(reported, ['added a', 'added b']);
  });

  it('says what the API server said where the kind may not be read', async () => {
    server.serve(WIDGETS);
    server.failNext(new Rejection(403, 'Forbidden', 'widgets is forbidden'), () => true, 2);
    const { informer, reported } = start();
    await informer.synced;
    assert.deepEqual(
      [informer.unavailable?.code, informer.unavailable?.said],
      ['KUBE_FORBIDDEN', 'widgets is forbidden'],
    );
    await until('it is allowed', () => informer.unavailable === undefined);
    assert.deepEqual(reported, ['-', '+']);
  });

  it('waits for an API server that does not answer', async () => {
    server.serve(WIDGETS);
    server.failNext(new Rejection(503, 'ServiceUnavailable', 'starting'), () => true, 1);
    const { informer, reported } = start();
    await informer.synced;
    assert.deepEqual(reported, []);
  });

  it('asks nothing while it is not enabled', async () => {
    const { informer } = start({ enabled: false });
    await informer.synced;
    assert.deepEqual([informer.store.size, informer.unavailable, server.requests], [0, undefined, []]);
  });
});
