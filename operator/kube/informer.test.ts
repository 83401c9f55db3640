import assert from 'node:assert/strict';
import {
  cachedObjects,
  reflectorLists,
  reflectorRelists,
  watchEvents,
  watchRestarts,
} from '../telemetry/metrics.ts';
import { configMap } from '../testing/builders.ts';
import { FakeApiServer, Rejection } from '../testing/fakeApiServer.ts';
import { silent, until } from '../testing/until.ts';
import { CONFIG_MAPS, type ConfigMap } from './core.ts';
import { type Change, Informer, type InformerOptions } from './informer.ts';
import { deepEqual } from './json.ts';

const ref = (name: string) => ({ namespace: 'ns', name });

describe('Informer', () => {
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

  /** A running informer and what it reported, as `type name=value`. */
  function start(options: Partial<InformerOptions<ConfigMap>> = {}) {
    const informer = new Informer<ConfigMap>({
      client: server.client,
      type: CONFIG_MAPS,
      log: silent,
      random: () => 1,
      ...options,
    });
    const reported: string[] = [];
    const changes: Change<ConfigMap>[] = [];
    informer.onChange((change) => {
      changes.push(change);
      reported.push(`${change.type} ${change.object.metadata.name}=${change.object.data?.value ?? ''}`);
    });
    running.push(informer.run(stop.signal));
    return { informer, reported, changes };
  }

  const lists = () => server.requests.filter(({ query }) => !query.has('watch'));
  const watches = () => server.requests.filter(({ query }) => query.has('watch'));
  const watching = () => until('a watch is open', () => server.watches === 1);

  it('keeps the objects of some namespaces together, and lists one anew without losing the others', async () => {
    const at = (namespace: string, value: string): ConfigMap => {
      const made = configMap('a', value);
      return { ...made, metadata: { ...made.metadata, namespace } };
    };
    for (const namespace of ['here', 'there', 'elsewhere']) server.put(at(namespace, '1'));
    server.failNext(new Rejection(500, 'InternalError', 'down'), ({ path }) => path.includes('/there/'));
    const { informer } = start({ namespaces: ['here', 'there'] });
    const keys = () => [...informer.store.keys()].sort();
    await until('one is listed', () => keys().length > 0);
    assert.deepEqual([keys(), informer.hasSynced], [['here/a'], false], 'it waits for all of them');
    await informer.synced;
    await until('both are watched', () => server.watches === 2);
    server.kill();
    server.storage.compact();
    server.remove(CONFIG_MAPS, { namespace: 'here', name: 'a' });
    server.put(at('there', '2'));
    await server.restart();
    await until('both are listed anew', () => informer.store.get('there/a')?.data?.value === '2');
    await until('what is gone is gone', () => keys().length === 1);
    assert.deepEqual(keys(), ['there/a']);
  });

  it('lists in pages, then tells what changes', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) server.put(configMap(name, '1'));
    const { informer, reported, changes } = start({ pageSize: 2 });
    await informer.synced;
    assert.equal(informer.hasSynced, true);
    assert.equal(lists().length, 3);
    assert.deepEqual(reported, ['added a=1', 'added b=1', 'added c=1', 'added d=1', 'added e=1']);
    assert.ok(changes.every(({ initial }) => initial));
    await watching();
    server.put(configMap('f', '1'));
    server.put(configMap('a', '2'));
    server.remove(CONFIG_MAPS, ref('b'));
    await until('three changes', () => reported.length === 8);
    assert.deepEqual(reported.slice(5), ['added f=1', 'updated a=2', 'deleted b=1']);
    assert.equal(changes[5]?.initial, undefined);
    assert.equal(changes[6]?.old?.data?.value, '1');
    assert.equal(informer.store.size, 5);
  });

  it('keeps objects whole: with their kind, without managedFields', async () => {
    await server.client.create(CONFIG_MAPS, configMap('a', '1'));
    const { informer } = start();
    await informer.synced;
    const object = informer.store.get('ns/a');
    assert.equal(object?.kind, 'ConfigMap');
    assert.equal(object?.apiVersion, 'v1');
    assert.ok(!('managedFields' in (object?.metadata ?? {})));
  });

  it('keeps what alike objects have in common once, and tells of an old state as it was', async () => {
    const long = 'x'.repeat(100);
    const made = (name: string, value: string) => {
      const object = configMap(name, value);
      return {
        ...object,
        data: { ...object.data, long },
        metadata: { ...object.metadata, labels: { app: 'a' } },
      };
    };
    server.put(made('a', '1'));
    server.put(made('b', '1'));
    server.put(made('c', '2'));
    const { informer, changes } = start({ alike: ({ metadata }) => metadata.labels?.app });
    await watching();
    const [a, b, c] = ['a', 'b', 'c'].map((name) => informer.store.get(`ns/${name}`));
    assert.equal(b?.data, a?.data);
    assert.equal(b?.metadata.labels, a?.metadata.labels);
    assert.deepEqual([b?.metadata.name, c?.metadata.name, c?.data?.value], ['b', 'c', '2']);
    server.put(made('b', '3'));
    await until('the change', () => changes.at(-1)?.type === 'updated');
    const { object, old } = changes.at(-1) ?? {};
    assert.deepEqual([object?.data?.value, old?.data?.value, a?.data?.value], ['3', '1', '1']);
    assert.notEqual(object, old);
  });

  it('keeps of an object what is to remain, when the handlers have had all of it', async () => {
    server.put(configMap('a', '1'));
    const remains = ({ apiVersion, kind, metadata }: ConfigMap) => ({ apiVersion, kind, metadata });
    const { informer, changes } = start({ remains });
    await watching();
    server.put(configMap('a', '2'));
    await until('the change', () => changes.at(-1)?.type === 'updated');
    assert.deepEqual(
      changes.map(({ object, old }) => [object.data?.value, old?.data]),
      [
        ['1', undefined],
        ['2', undefined],
      ],
    );
    assert.equal(informer.store.get('ns/a')?.data, undefined);
    assert.throws(() => informer.onChange(() => {}), /are not whole any more/);
    server.remove(CONFIG_MAPS, ref('a'));
    await until('its end', () => changes.at(-1)?.type === 'deleted');
    assert.equal(informer.store.size, 0);
  });

  it('asks for bookmarks and for an end within 5 to 10 minutes', async () => {
    start({ random: () => 0.5 });
    await watching();
    const [{ query } = { query: new URLSearchParams() }] = watches();
    assert.equal(query.get('allowWatchBookmarks'), 'true');
    assert.equal(query.get('timeoutSeconds'), '450');
  });

  it('reports to a late handler what is there', async () => {
    server.put(configMap('a', '1'));
    const { informer } = start();
    await informer.synced;
    const reported: string[] = [];
    informer.onChange(({ type, object, initial }) =>
      reported.push(`${type} ${object.metadata.name} ${initial}`),
    );
    assert.deepEqual(reported, ['added a true']);
  });

  it('goes on when a handler throws', async () => {
    const { informer, reported } = start();
    await watching();
    const seen: string[] = [];
    informer.onChange(() => {
      throw new Error('boom');
    });
    informer.onChange(({ object }) => seen.push(object.metadata.name));
    server.put(configMap('a', '1'));
    server.put(configMap('b', '1'));
    await until('both handlers to be called', () => seen.length === 2);
    assert.equal(reported.length, 2);
  });

  it('keeps and reports what transform makes of an object', async () => {
    server.put(configMap('a', '1'));
    const transform = (object: ConfigMap) => ({ ...object, data: { value: 'short' } });
    const { informer, reported } = start({ transform });
    await watching();
    server.remove(CONFIG_MAPS, ref('a'));
    await until('two changes', () => reported.length === 2);
    assert.deepEqual(reported, ['added a=short', 'deleted a=short']);
    assert.equal(informer.store.size, 0);
  });

  const interruptions: Record<string, { reason: string; interrupt: () => void | Promise<void> }> = {
    'the server ends the watch': { reason: 'its time is up', interrupt: () => server.endWatches() },
    'the connection is reset': {
      reason: 'a proxy or node went away',
      interrupt: () => server.dropConnections(),
    },
    'the server is killed and comes back': {
      reason: 'an upgrade of the control plane',
      interrupt: async () => {
        server.kill();
        server.put(configMap('a', '2'));
        await server.restart();
      },
    },
    'the server answers 500 for a while': {
      reason: 'etcd has no leader',
      interrupt: () => {
        server.failNext(
          new Rejection(500, 'InternalError', 'etcdserver: no leader'),
          ({ query }) => query.has('watch'),
          2,
        );
        server.endWatches();
      },
    },
    'the server sheds load': {
      reason: 'API priority and fairness',
      interrupt: () => {
        server.failNext(
          new Rejection(429, 'TooManyRequests', 'slow down', 0.01),
          ({ query }) => query.has('watch'),
          2,
        );
        server.endWatches();
      },
    },
  };
  for (const [name, { reason, interrupt }] of Object.entries(interruptions)) {
    it(`goes on where it was when ${name} (${reason})`, async () => {
      server.put(configMap('a', '1'));
      const { informer, reported } = start();
      await informer.synced;
      await watching();
      await interrupt();
      server.put(configMap('a', '2'));
      server.put(configMap('b', '1'));
      await until('both changes', () => reported.length === 3);
      assert.deepEqual(reported.slice(1), ['updated a=2', 'added b=1']);
      assert.equal(lists().length, 1, 'nothing is listed again');
    });
  }

  it('goes on from the last bookmark', async () => {
    server.put(configMap('a', '1'));
    const { informer, reported } = start();
    await informer.synced;
    await watching();
    server.compact();
    server.bookmark();
    await until('the bookmark is read', async () => {
      server.endWatches();
      await watching();
      return watches().at(-1)?.query.get('resourceVersion') === String(server.storage.version);
    });
    assert.equal(lists().length, 1);
    assert.deepEqual(reported, ['added a=1']);
  });

  const expiries: Record<string, () => void> = {
    'an ERROR event': () => {},
    'the HTTP status': () =>
      server.failNext(new Rejection(410, 'Expired', 'too old resource version'), ({ query }) =>
        query.has('watch'),
      ),
  };
  for (const [name, prepare] of Object.entries(expiries)) {
    it(`lists again when its version is too old, reported by ${name}, and reports only differences`, async () => {
      for (const each of ['kept', 'changed', 'deleted', 'replaced']) server.put(configMap(each, '1'));
      const { informer, reported } = start();
      await informer.synced;
      await watching();
      server.kill();
      server.put(configMap('changed', '2'));
      server.remove(CONFIG_MAPS, ref('deleted'));
      server.remove(CONFIG_MAPS, ref('replaced'));
      server.put(configMap('replaced', '2'));
      server.put(configMap('new', '1'));
      server.compact();
      prepare();
      await server.restart();
      await until('five changes', () => reported.length >= 9);
      assert.deepEqual(reported.slice(4), [
        'updated changed=2',
        'added new=1',
        'deleted replaced=1',
        'added replaced=2',
        'deleted deleted=1',
      ]);
      assert.equal(lists().length, 2);
    });
  }

  it('lists from the start when a page token expires, and in one piece when that goes on', async () => {
    for (const name of ['a', 'b', 'c']) server.put(configMap(name, '1'));
    server.failNext(
      new Rejection(410, 'Expired', 'continue parameter is too old'),
      ({ query }) => query.has('continue'),
      2,
    );
    const { informer, reported } = start({ pageSize: 2 });
    await informer.synced;
    assert.deepEqual(reported, ['added a=1', 'added b=1', 'added c=1']);
    assert.deepEqual(
      lists().map(({ query }) => query.get('limit')),
      ['2', '2', '2', '2', null],
    );
  });

  it('lists again when the server keeps refusing to watch', async () => {
    const { reported } = start({ random: () => 1 });
    await watching();
    server.failNext(
      new Rejection(500, 'InternalError', 'cannot decode'),
      ({ query }) => query.has('watch'),
      5,
    );
    server.endWatches();
    server.put(configMap('a', '1'));
    await until('the change', () => reported.length === 1, { timeoutMs: 9_000 });
    assert.equal(lists().length, 2);
  });

  it('opens a watch that is silent again: a half-open connection', async () => {
    server.put(configMap('a', '1'));
    const { informer, reported } = start({ idleTimeoutMs: 150 });
    await informer.synced;
    await watching();
    server.pause();
    server.put(configMap('a', '2'));
    await until('the watch is given up', () => server.watches === 0);
    server.resume();
    await until('the change', () => reported.length === 2);
    assert.deepEqual(reported, ['added a=1', 'updated a=2']);
    assert.equal(lists().length, 1);
  });

  it('waits for an API server that is not there yet', async () => {
    server.kill();
    server.put(configMap('a', '1'));
    const { informer } = start();
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(informer.hasSynced, false);
    await server.restart();
    await informer.synced;
    assert.equal(informer.store.size, 1);
  });

  it('waits for a kind that is not installed yet', async () => {
    server.failNext(
      new Rejection(404, 'NotFound', 'the server could not find the requested resource'),
      undefined,
      3,
    );
    const { informer } = start();
    await informer.synced;
    assert.equal(lists().length, 4);
  });

  it('takes another UID under a name for another object, in a watch event too', async () => {
    server.put(configMap('a', '1'));
    const { informer, reported } = start();
    await informer.synced;
    await watching();
    const other = configMap('a', '2');
    other.metadata.uid = 'other';
    other.metadata.resourceVersion = '999';
    server.send({ type: 'MODIFIED', object: other });
    await until('two changes', () => reported.length === 3);
    assert.deepEqual(reported.slice(1), ['deleted a=1', 'added a=2']);
  });

  it('sees only what its selector matches, as it begins and ceases to', async () => {
    server.put(configMap('a', '1', { app: 'x' }));
    server.put(configMap('b', '1', { app: 'y' }));
    const { informer, reported } = start({ labelSelector: 'app=x' });
    await informer.synced;
    await watching();
    server.put(configMap('b', '2', { app: 'x' }));
    server.put(configMap('a', '2', { app: 'y' }));
    await until('three changes', () => reported.length === 3);
    assert.deepEqual(reported, ['added a=1', 'added b=2', 'deleted a=1']);
  });

  it('counts what it does', async () => {
    const value = async (
      metric: { get(): Promise<{ values: { labels: object; value: number }[] }> },
      labels: object,
    ) => {
      const { values } = await metric.get();
      const wanted = { kind: 'ConfigMap', ...labels };
      return values.find((each) => deepEqual(each.labels, wanted))?.value ?? 0;
    };
    const counts = async () => [
      await value(reflectorLists, { result: 'ok' }),
      await value(reflectorRelists, { reason: 'expired' }),
      await value(watchRestarts, { reason: 'closed' }),
      await value(watchRestarts, { reason: 'expired' }),
      await value(watchEvents, { type: 'ADDED' }),
    ];
    const before = await counts();
    const { informer, reported } = start();
    await informer.synced;
    await watching();
    server.endWatches();
    await until('it watches again', () => watches().length === 2);
    server.put(configMap('a', '1'));
    await until('the first change', () => reported.length === 1);
    server.kill();
    server.put(configMap('b', '1'));
    server.compact();
    await server.restart();
    await until('the second change', () => reported.length === 2);
    const after = await counts();
    assert.deepEqual(
      after.map((count, index) => count - (before[index] ?? 0)),
      [2, 1, 1, 1, 1],
    );
    assert.equal(await value(cachedObjects, { cache: 'configmaps' }), 2);
  });

  it('counts an empty cache as empty once it is known to be', async () => {
    const { informer } = start({ name: 'empty-cache' });
    const values = async () =>
      (await cachedObjects.get()).values.filter(({ labels }) => labels.cache === 'empty-cache');
    await informer.synced;
    assert.deepEqual(
      (await values()).map(({ value }) => value),
      [0],
    );
  });

  it('ends with its signal', async () => {
    const { informer } = start();
    await informer.synced;
    await watching();
    stop.abort();
    await Promise.all(running);
    await until('the watch is closed', () => server.watches === 0);
  });
});
