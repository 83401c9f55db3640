import assert from 'node:assert/strict';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { collectGarbage } from '../gateway/shared/garbage.ts';
import { ApiServer } from '../testing/apiServer.ts';
import { configMap } from '../testing/builders.ts';
import { TcpProxy } from '../testing/tcpProxy.ts';
import { silent, until } from '../testing/until.ts';
import { KubeClient } from './client.ts';
import { CONFIG_MAPS, type ConfigMap, NAMESPACES } from './core.ts';
import { Informer, type InformerOptions } from './informer.ts';
import { keyOf } from './types.ts';

/** The bar: all that changed is observed within this time of the API server's return. */
const RECOVERY_MS = 5_000;

/** Shows what a test measured beside its name. */
function measured(context: Mocha.Context, what: string): void {
  if (context.test) context.test.title += `: ${what}`;
}

/** Bytes in use once the garbage is gone. */
function heapInUse(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

describe('Informer on a real API server', function () {
  this.timeout(300_000);
  let server: ApiServer;
  let proxy: TcpProxy;
  let namespace: string;
  let stop: AbortController;
  let running: Promise<void>[];

  before(async () => {
    server = await ApiServer.start();
    proxy = await TcpProxy.start(server.port);
  });

  after(async () => {
    await proxy?.stop();
    await server?.stop();
  });

  beforeEach(async () => {
    const metadata = { name: '', generateName: 'test-' };
    namespace = (await server.client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata }))
      .metadata.name;
    stop = new AbortController();
    running = [];
  });

  afterEach(async () => {
    stop.abort();
    await Promise.all(running);
  });

  /** A running informer of the test's ConfigMaps, and what it reported: `type name=value`. */
  function start(options: Partial<InformerOptions<ConfigMap>> = {}) {
    const { client } = server;
    const informer = new Informer<ConfigMap>({
      client,
      type: CONFIG_MAPS,
      namespace,
      log: silent,
      ...options,
    });
    const reported: string[] = [];
    informer.onChange(({ type, object }) =>
      reported.push(`${type} ${object.metadata.name}=${object.data?.value}`),
    );
    running.push(informer.run(stop.signal));
    return { informer, reported };
  }

  const map = (name: string, value: string): ConfigMap => {
    const object = configMap(name, value);
    return { ...object, metadata: { ...object.metadata, namespace } };
  };
  const ref = (name: string) => ({ namespace, name });
  const write = (name: string, value: string) =>
    server.client.apply<ConfigMap>(CONFIG_MAPS, map(name, value), { fieldManager: 'test' });
  const throughProxy = () =>
    new KubeClient({ ...server.connection, server: `https://127.0.0.1:${proxy.port}` });
  const isEqual = (informer: Informer<ConfigMap>, truth: Map<string, string | undefined>) =>
    informer.store.size === truth.size &&
    [...truth].every(([name, value]) => informer.store.get(keyOf(ref(name)))?.data?.value === value);

  it('observes all changes within 5 s of the return of a killed API server', async function () {
    const { informer } = start();
    await informer.synced;
    const truth = new Map<string, string>();
    let acknowledged = 0;
    const writing = new AbortController();
    const writer = (async () => {
      for (let n = 0; !writing.signal.aborted; ) {
        const [name, value] = [`map-${n % 200}`, String(n)];
        const wrote = await write(name, value).catch(() => undefined);
        // What a killed server did with a request is unknown, so the same is written until it says so.
        if (!wrote) {
          await sleep(20);
          continue;
        }
        truth.set(name, value);
        acknowledged = ++n;
      }
    })();
    const streams = (count: number) => until('changes stream', () => acknowledged >= count);
    const seen = (name: string) => Number(informer.store.get(keyOf(ref(name)))?.data?.value);
    const took: number[] = [];
    try {
      for (const kill of [1, 2, 3]) {
        await streams(kill * 100);
        await server.kill();
        await server.restart();
        const returned = performance.now();
        const before = [...truth];
        const observed = () => before.every(([name, value]) => seen(name) >= Number(value));
        await until('what was written is observed', observed);
        took.push(performance.now() - returned);
      }
      await streams(500);
    } finally {
      writing.abort();
      await writer;
    }
    await until('all is observed', () => isEqual(informer, truth));
    measured(this, `${took.map(Math.round).join(', ')} ms`);
    // What else the machine does makes it later, and never earlier.
    assert.ok(Math.min(...took) < RECOVERY_MS, `${took} ms`);
  });

  it('lists again when its version was compacted away, and tells only differences', async function () {
    const { informer, reported } = start({ client: throughProxy() });
    await write('kept', '1');
    await write('changed', '1');
    await write('deleted', '1');
    await until('all three', () => reported.length === 3 && informer.hasSynced);
    proxy.cut();
    await write('changed', '2');
    await write('new', '1');
    await server.client.delete(CONFIG_MAPS, ref('deleted'));
    await server.compact();
    // The API server's own memory of recent events is empty after a restart, so it has to ask etcd.
    await server.kill();
    await server.restart();
    proxy.mend();
    const mended = performance.now();
    await until('all differences', () => reported.length === 6);
    assert.deepEqual(reported.slice(3).sort(), ['added new=1', 'deleted deleted=1', 'updated changed=2']);
    measured(this, `${Math.round(performance.now() - mended)} ms`);
  });

  it('takes an object deleted and created again between two watches, as another one', async () => {
    const { informer, reported } = start({ client: throughProxy() });
    const first = await write('twice', '1');
    await until('the first', () => reported.length === 1);
    proxy.cut();
    await server.client.delete(CONFIG_MAPS, ref('twice'));
    const second = await write('twice', '1');
    assert.notEqual(first.metadata.uid, second.metadata.uid);
    await server.kill();
    await server.restart();
    proxy.mend();
    await until('both changes', () => reported.length === 3);
    assert.deepEqual(reported.slice(1), ['deleted twice=1', 'added twice=1']);
    assert.equal(informer.store.get(keyOf(ref('twice')))?.metadata.uid, second.metadata.uid);
  });

  it('goes on after the API server stood still', async function () {
    const { informer, reported } = start({ idleTimeoutMs: 2_000 });
    await write('a', '1');
    await until('the first', () => reported.length === 1);
    server.pause();
    const written = write('a', '2');
    await sleep(3_000);
    server.resume();
    const resumed = performance.now();
    await written;
    await until('the change', () => reported.length === 2);
    measured(this, `${Math.round(performance.now() - resumed)} ms`);
    assert.equal(informer.store.get(keyOf(ref('a')))?.data?.value, '2');
  });

  it('notices a half-open connection by its silence, and misses nothing', async () => {
    const { informer, reported } = start({ client: throughProxy(), idleTimeoutMs: 1_500 });
    await informer.synced;
    await write('a', '1');
    await until('the first', () => reported.length === 1);
    proxy.freeze();
    await write('a', '2');
    await write('b', '1');
    await server.client.delete(CONFIG_MAPS, ref('b'));
    await until('all changes', () => reported.length === 4);
    assert.deepEqual(reported.slice(1), ['updated a=2', 'added b=1', 'deleted b=1']);
  });

  it('lists 10,000 objects without holding up the process', async function () {
    const count = 10_000;
    const value = 'x'.repeat(500);
    const first = await server.client.create(CONFIG_MAPS, map('map-0', value));
    const others = Array.from({ length: count - 1 }, (_, n) => `map-${n + 1}`);
    await server.storeCopies(`/registry/configmaps/${namespace}`, first, others);
    const heapBefore = heapInUse();
    const stalls = monitorEventLoopDelay({ resolution: 5 });
    stalls.enable();
    const startedAt = performance.now();
    const { informer, reported } = start();
    await informer.synced;
    const took = performance.now() - startedAt;
    stalls.disable();
    const heap = (heapInUse() - heapBefore) / 1e6;
    const stall = stalls.max / 1e6;
    measured(
      this,
      `${took.toFixed(0)} ms, longest stall ${stall.toFixed(0)} ms, heap +${heap.toFixed(0)} MB`,
    );
    assert.equal(informer.store.size, count);
    assert.equal(reported.length, count);
    assert.ok(stall < took / 3, `the event loop stood still for ${stall} ms of ${took} ms`);
    assert.ok(heap < 60, `${heap} MB for ${count} objects`);
  });
});
