import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { deploymentName } from '../apis/names.ts';
import { REVISIONS } from '../apis/serving/revision/types.ts';
import { ROUTES } from '../apis/serving/route/types.ts';
import { SERVICES } from '../apis/serving/service/types.ts';
import { KubeClient } from '../kube/client.ts';
import { DEPLOYMENTS, type Deployment, PODS, type Pod } from '../kube/core.ts';
import type { KubeObject } from '../kube/types.ts';
import {
  actualInstances,
  autoscalerTick,
  desiredInstances,
  registry,
  revisionFailures,
} from '../telemetry/metrics.ts';
import { FakeApiServer, Rejection } from '../testing/fakeApiServer.ts';
import { listen } from '../testing/fakeHttp.ts';
import { isBeforeTimer, until } from '../testing/until.ts';
import { DELETION_COST } from './deletionCost.ts';
import { EVICTION_REQUESTED } from './evictions.ts';
import { FakeGateway } from './testing/gateway.ts';
import { DEPLOYMENT, deployment, KEY, pod, REF, revision, route, service } from './testing/objects.ts';
import { runAutoscaler, watchForAutoscaler } from './testing/run.ts';
import { MINUTE, SECOND } from './testing/simulation.ts';

describe('Autoscaler', () => {
  let server: FakeApiServer;
  let gateway: FakeGateway;
  let stop: AbortController;
  let autoscaler: Promise<unknown> | undefined;
  /** How far the autoscaler's clock, and the gateway's, are ahead. */
  let ahead: number;
  const now = () => Date.now() + ahead;
  /** What is said of the numbers, by revision. */
  const texts = new Map<string, string>();

  beforeEach(async () => {
    ahead = 0;
    autoscaler = undefined;
    server = await FakeApiServer.start({ types: [REVISIONS, SERVICES, ROUTES] });
    gateway = await FakeGateway.listen();
    gateway.now = now;
    server.put(gateway.pod('gateway-1'));
    stop = new AbortController();
  });

  afterEach(async () => {
    stop.abort();
    await autoscaler;
    await Promise.all([server.close(), gateway.close()]);
  });

  function start(): void {
    autoscaler = runAutoscaler({
      client: server.client,
      gatewayPort: gateway.port,
      signal: stop.signal,
      now,
      reports: {
        report: (key, text) => texts.set(key, text),
        forget: (key) => texts.delete(key),
        show() {},
      },
    });
  }

  const replicas = () => server.get(DEPLOYMENTS, DEPLOYMENT)?.spec?.replicas;
  const reaches = (wanted: number) => until(`${wanted} instances`, () => replicas() === wanted);
  const scaleWrites = () => server.writes.filter(({ path }) => path.endsWith('/scale'));
  /** Lets time pass for the autoscaler and the gateway at once. */
  const pass = (ms: number) =>
    gateway.beforeAnswer(() => {
      ahead += ms;
    });
  /** Waits for the end of a whole tick that began after this call. */
  const ticks = async (count = 2) => {
    const from = gateway.asked;
    await until(`${count} scrapes`, () => gateway.asked >= from + count);
  };

  it('raises at once for what is in flight and queued, and once', async () => {
    server.put(revision());
    server.put(route());
    server.put(deployment(1));
    start();
    await ticks();
    gateway.tell(KEY, { inFlight: 80, queued: 240 });
    await reaches(4);
    await ticks(5);
    assert.equal(scaleWrites().length, 1);
  });

  it('raises in time for those that wait, although a connection to the API server is dead', async () => {
    server.put(revision());
    server.put(route());
    server.put(deployment(1));
    const nobody = await listen(0);
    const { port } = nobody.address() as AddressInfo;
    let isDead = true;
    const dispatcher = server.connection.dispatcher.compose((dispatch) => (options, handler) => {
      if (!isDead || !options.path.endsWith('/scale?fieldManager=homerun-autoscaler'))
        return dispatch(options, handler);
      isDead = false;
      return dispatch({ ...options, origin: `http://127.0.0.1:${port}` }, handler);
    });
    const client = new KubeClient({ ...server.connection, dispatcher });
    autoscaler = runAutoscaler({ client, gatewayPort: gateway.port, signal: stop.signal, now });
    await ticks();
    gateway.tell(KEY, { inFlight: 80, queued: 240 });
    try {
      await until('a write is under way', () => !isDead);
      assert.ok(await isBeforeTimer(reaches(4), 10_000), 'what waited got 429 meanwhile');
    } finally {
      nobody.closeAllConnections();
      nobody.close();
    }
  });

  it('explains the number, in the reports and in the metrics, until there is nothing to explain', async () => {
    const rules = async () => {
      const found = await registry.getSingleMetric('homerun_revision_scaling_rule')?.get();
      return found?.values.map(({ labels }) => labels);
    };
    server.put(revision({ 'scale-to-zero-pod-retention-period': '5m' }));
    server.put(deployment(1));
    start();
    await ticks();
    gateway.tell(KEY, { inFlight: 80, queued: 240 });
    await reaches(4);
    const four =
      /^4 instances by (burst|concurrency|need within 5 min): (.* requests in flight.*|requests unknown), min 0, max 100$/;
    await until('four are explained', () => four.test(texts.get(KEY) ?? ''));
    assert.deepEqual(
      (await rules())?.map(({ namespace, revision }) => [namespace, revision]),
      [[REF.namespace, REF.name]],
    );
    gateway.tell(KEY, { inFlight: 0, queued: 0 });
    await ticks();
    await pass(6 * MINUTE);
    await reaches(0);
    await until('nothing is explained', () => !texts.has(KEY));
    assert.deepEqual(await rules(), []);
  });

  it('leaves what the status says of a number that stays, until the load is known again after a restart', async () => {
    const explained = revision({ 'scale-to-zero-pod-retention-period': '5m' });
    server.put({ ...explained, status: { ...explained.status, scaling: '1 instance by need within 5 min' } });
    server.put(deployment(1));
    start();
    await ticks(4);
    assert.equal(texts.get(KEY), undefined);
    await pass(2 * MINUTE);
    await until('the number is explained', () => texts.get(KEY)?.includes('0 requests in flight'));
  });

  it('takes the last instance when the idle time is over, and not before', async () => {
    server.put(revision({ 'scale-to-zero-pod-retention-period': '5m' }));
    server.put(deployment(1));
    start();
    await ticks();
    await pass(4 * MINUTE);
    await ticks(3);
    assert.equal(replicas(), 1);
    await pass(MINUTE);
    await reaches(0);
  });

  it('counts a request that came and went between two scrapes', async () => {
    server.put(revision({ 'scale-to-zero-pod-retention-period': '5m' }));
    server.put(deployment(1));
    start();
    await ticks();
    await pass(4 * MINUTE);
    gateway.tell(KEY, { requests: 1, lastRequestAt: now() });
    await ticks(3);
    await pass(4 * MINUTE);
    await ticks(3);
    assert.equal(replicas(), 1);
    await pass(2 * MINUTE);
    await reaches(0);
  });

  it('does not undo a wake by a gateway', async () => {
    server.put(revision({ 'scale-to-zero-pod-retention-period': '1m' }));
    server.put(deployment(0));
    start();
    await ticks();
    await pass(10 * MINUTE);
    server.put(deployment(1));
    await ticks(5);
    assert.equal(replicas(), 1, 'the gateway has not even reported its request');
    await pass(2 * MINUTE);
    await reaches(0);
  });

  it('lowers only the Deployment that it has seen, and tries again after a conflict', async () => {
    server.put(revision());
    server.put(deployment(1));
    server.failNext(new Rejection(409, 'Conflict', 'changed'), ({ path }) => path.endsWith('/scale'));
    start();
    await ticks();
    await pass(16 * MINUTE);
    await reaches(0);
    const versions = scaleWrites().map(({ body }) => (body as KubeObject).metadata.resourceVersion);
    assert.equal(versions.length, 2);
    assert.ok(versions.every(Boolean), 'the write is void if a gateway has raised the number meanwhile');
  });

  it('keeps what runs after a restart of the controller', async () => {
    server.put(revision());
    server.put(deployment(5));
    gateway.tell(KEY, { requests: 900, concurrencyMs: 9e9, lastRequestAt: now() - 60 * MINUTE });
    start();
    await ticks(5);
    assert.equal(replicas(), 5);
    assert.equal(scaleWrites().length, 0);
  });

  /** A pod that Kubernetes calls ready, with its name as UID. */
  const running = (name: string, annotations?: Record<string, string>) => {
    const made = pod(name, annotations);
    const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
    server.put({ ...made, metadata: { ...made.metadata, uid: name }, status } as Pod);
  };

  it('removes the idle instances', async () => {
    server.put(revision());
    server.put(deployment(3));
    running('busy');
    running('idle');
    running('was-busy', { [DELETION_COST]: '4' });
    gateway.tell(KEY, { inFlight: 2, instances: { busy: 2 } });
    start();
    await ticks();
    await pass(16 * MINUTE);
    await reaches(1);
    const cost = (name: string) =>
      server.get(PODS, { name, namespace: REF.namespace })?.metadata.annotations?.[DELETION_COST];
    assert.deepEqual([cost('busy'), cost('idle'), cost('was-busy')], ['2', '-1', '-1']);
    const paths = server.writes.map(({ path }) => path);
    assert.ok(
      paths.findIndex((path) => path.endsWith('/pods/busy')) <
        paths.findIndex((path) => path.endsWith('/scale')),
    );
  });

  it('lowers the number only when gateways have drained and released the instance', async () => {
    server.put(revision());
    server.put(deployment(1));
    running('only');
    gateway.drains.only = 'draining';
    start();
    await ticks();
    await pass(16 * MINUTE);
    await until('it is named', () => gateway.orders?.instances.only === 'drain');
    await ticks(4);
    assert.deepEqual([replicas(), gateway.orders?.instances], [1, { only: 'drain' }]);
    gateway.drains.only = 'drained';
    await until('it is to be released', () => gateway.orders?.instances.only === 'release');
    await ticks(4);
    assert.deepEqual([replicas(), gateway.orders?.instances], [1, { only: 'release' }]);
    gateway.drains.only = 'released';
    await reaches(0);
    await until('it is kept from requests', () => gateway.orders?.instances.only === 'remove');
    server.remove(PODS, { namespace: REF.namespace, name: 'only' });
    await until('it has gone', () => Object.keys(gateway.orders?.instances ?? { only: 1 }).length === 0);
  });

  it('cancels the scale-in when a request arrives', async () => {
    server.put(revision());
    server.put(deployment(1));
    running('only');
    gateway.drains.only = 'draining';
    start();
    await ticks();
    await pass(16 * MINUTE);
    await until('it is named', () => gateway.orders?.instances.only === 'drain');
    gateway.drains.only = 'refused';
    gateway.tell(KEY, { requests: 1, inFlight: 1, instances: { only: 1 } });
    await until('it is cancelled', () => Object.keys(gateway.orders?.instances ?? {}).length === 0);
    await ticks(4);
    assert.deepEqual([replicas(), scaleWrites().length], [1, 0]);
  });

  it('cancels the scale-in when another client changed the number, and starts it over', async () => {
    server.put(revision());
    server.put(deployment(1));
    running('only');
    const conflict = new Rejection(409, 'Conflict', 'changed');
    server.failNext(conflict, ({ path }) => {
      if (path.endsWith('/scale')) gateway.drains.only = 'draining';
      return path.endsWith('/scale');
    });
    start();
    await ticks();
    await pass(16 * MINUTE);
    await until('it was tried', () => scaleWrites().length === 1);
    await until('it starts over', () => gateway.orders?.instances.only === 'drain');
    await ticks(4);
    assert.deepEqual([replicas(), scaleWrites().length], [1, 1]);
    delete gateway.drains.only;
    await reaches(0);
  });

  it('waits for the requests in flight when a user sets a lower number', async () => {
    server.put(service({ scalingMode: 'manual', manualInstanceCount: '1' }));
    server.put(revision());
    server.put(route());
    server.put(deployment(2));
    running('a');
    running('b');
    gateway.drains.a = 'draining';
    gateway.drains.b = 'draining';
    gateway.tell(KEY, { inFlight: 3, instances: { a: 1, b: 2 } });
    start();
    await until('one is named', () => gateway.orders?.instances.a === 'drain');
    await ticks(4);
    assert.deepEqual([replicas(), gateway.orders?.instances], [2, { a: 'drain' }]);
    gateway.tell(KEY, { inFlight: 2, instances: { a: 0, b: 2 } });
    delete gateway.drains.a;
    await reaches(1);
  });

  it('deletes an instance that is to be evicted once no gateway has a request of it in flight', async () => {
    server.put(revision());
    server.put(deployment(2));
    running('stays');
    running('evicted', { [EVICTION_REQUESTED]: new Date(now()).toISOString() });
    gateway.drains.evicted = 'draining';
    gateway.tell(KEY, { inFlight: 2, instances: { stays: 1, evicted: 1 } });
    start();
    await until('it is named', () => gateway.orders?.instances.evicted === 'drain');
    await ticks(4);
    const gone = () => !server.get(PODS, { namespace: REF.namespace, name: 'evicted' });
    assert.deepEqual([gateway.orders?.instances, gone()], [{ evicted: 'drain' }, false]);
    delete gateway.drains.evicted;
    await until('it is deleted', gone);
    const deletes = server.writes.filter(({ method }) => method === 'DELETE');
    assert.deepEqual(((deletes[0] ?? assert.fail()).body as { preconditions?: object }).preconditions, {
      uid: 'evicted',
    });
    assert.deepEqual([replicas(), deletes.length], [2, 1]);
  });

  it('scales other revisions while one cannot be judged, and that one when it can', async () => {
    const desired = () =>
      server.get(DEPLOYMENTS, { ...DEPLOYMENT, name: deploymentName('broken') })?.spec?.replicas;
    const broken = revision({}, 'True', 'broken');
    server.put({ ...broken, spec: undefined } as unknown as typeof broken);
    server.put(deployment(0, 'broken'));
    server.put(revision());
    server.put(deployment(0));
    gateway.tell('n/broken', { queued: 1 });
    gateway.tell(KEY, { queued: 1 });
    start();
    await reaches(1);
    assert.equal(desired(), 0);
    const { values } = await revisionFailures.get();
    assert.ok((values[0]?.value ?? 0) > 0);
    server.put(broken);
    await until('the other one to be scaled', () => desired() === 1);
  });

  it('scales other revisions while a gateway hangs', async () => {
    server.put(revision());
    server.put(deployment(1));
    running('only');
    const other = await FakeGateway.listen('127.0.0.2', gateway.port);
    other.now = now;
    other.tell('n/other', { inFlight: 3 });
    server.put(other.pod('gateway-2'));
    start();
    await ticks();
    other.mood = 'refusing';
    await ticks(4);
    await pass(16 * MINUTE);
    await reaches(0);
    await other.close();
  });

  it('scales nothing down while a gateway is silent', async () => {
    server.put(revision());
    server.put(deployment(3));
    gateway.mood = 'refusing';
    start();
    await ticks(4);
    await pass(60 * MINUTE);
    await ticks(4);
    assert.equal(replicas(), 3);
    gateway.mood = 'well';
    await reaches(0);
  });

  it('keeps the minimum of the Service, and follows its change', async () => {
    server.put(service({ minScale: '2' }));
    server.put(revision());
    server.put(route());
    server.put(deployment(0));
    start();
    await reaches(2);
    server.put(service({ minScale: '4' }));
    await reaches(4);
    server.put(service({ scalingMode: 'manual', manualInstanceCount: '1' }));
    await reaches(1);
  });

  it('leaves a new revision its first instance until it is ready', async () => {
    server.put(revision({ 'scale-to-zero-pod-retention-period': '1s' }, 'Unknown'));
    server.put(deployment(1));
    start();
    await ticks();
    await pass(10 * MINUTE);
    await ticks(3);
    assert.equal(replicas(), 1);
    server.put(revision({ 'scale-to-zero-pod-retention-period': '1s' }, 'True'));
    await ticks(3);
    assert.equal(replicas(), 1, 'the idle time begins when it is ready');
    await pass(2 * SECOND);
    await reaches(0);
  });

  it('removes the series of a revision that is gone', async () => {
    server.put(revision());
    server.put(deployment(1));
    start();
    const series = async () =>
      [...(await desiredInstances.get()).values, ...(await actualInstances.get()).values].filter(
        ({ labels }) => labels.revision === REF.name,
      );
    await until('two series', async () => (await series()).length === 2);
    server.remove(REVISIONS, REF);
    await until('no series', async () => (await series()).length === 0);
  });

  it('goes on after the API server was away', async () => {
    server.put(revision());
    server.put(deployment(1));
    start();
    await ticks();
    server.kill();
    gateway.tell(KEY, { inFlight: 160 });
    await ticks(3);
    await server.restart();
    await reaches(2);
  });

  it('changes nothing by more than a minute without the API server', async () => {
    server.put(revision({ 'scale-to-zero-pod-retention-period': '5m' }));
    server.put(route());
    server.put(deployment(4));
    for (const name of ['a', 'b', 'c', 'd']) running(name);
    gateway.tell(KEY, { inFlight: 160, instances: { a: 40, b: 40, c: 40, d: 40 } });
    start();
    await ticks();
    server.kill();
    gateway.tell(KEY, { inFlight: 10, instances: { a: 10, b: 0, c: 0, d: 0 } });
    for (let second = 0; second < 70; second += 10) {
      await pass(10 * SECOND);
      await ticks();
    }
    await server.restart();
    const seen = server.requests.length;
    await until('the autoscaler watches again', () => server.requests.length >= seen + 5);
    await ticks(5);
    assert.deepEqual([replicas(), server.writes.length], [4, 0]);
    assert.deepEqual(gateway.orders?.instances, {}, 'no instance is drained');
  });

  /** A second one, with caches of its own, that does not know of the first; @returns what stops it. */
  function startAnother(): () => Promise<unknown> {
    const term = new AbortController();
    const { client } = server;
    const ended = runAutoscaler({ client, gatewayPort: gateway.port, signal: term.signal, now });
    return () => {
      term.abort();
      return ended;
    };
  }

  it('neither removes nor doubles instances while an old leader lingers beside a new one', async () => {
    server.put(revision());
    server.put(route());
    server.put(deployment(1));
    running('a');
    const endOld = startAnother();
    await ticks();
    // The old leader's write is on its way when the new one begins, and both see the same requests.
    server.pause();
    gateway.tell(KEY, { inFlight: 80, queued: 240, instances: { a: 80 } });
    await ticks();
    start();
    server.resume();
    await reaches(4);
    for (const name of ['b', 'c', 'd']) running(name);
    gateway.tell(KEY, { inFlight: 320, queued: 0, instances: { a: 80, b: 80, c: 80, d: 80 } });
    await ticks(8);
    await endOld();
    await ticks(8);
    const numbers = scaleWrites().map(({ body }) => (body as Deployment).spec?.replicas);
    assert.ok(numbers.length <= 2 && numbers.every((number) => number === 4), `${numbers}`);
    assert.deepEqual([replicas(), server.list(PODS).length], [4, 5], 'four instances and the gateway');
  });

  it('keeps what an old leader has asked for when a new one begins with less load', async () => {
    server.put(revision());
    server.put(route());
    server.put(deployment(1));
    const endOld = startAnother();
    await ticks();
    gateway.tell(KEY, { inFlight: 80, queued: 320 });
    await reaches(5);
    gateway.tell(KEY, { inFlight: 80, queued: 0 });
    start();
    await ticks(6);
    await endOld();
    await pass(10 * MINUTE);
    await ticks(5);
    const numbers = scaleWrites().map(({ body }) => (body as Deployment).spec?.replicas);
    assert.deepEqual([replicas(), numbers], [5, [5]]);
    await pass(6 * MINUTE);
    await until('its idle time is over', () => (replicas() ?? 5) < 5);
  });

  /** An autoscaler that led for so long with an idle instance, and leads no more. @returns what lets it lead again. */
  async function ledFor(ms: number): Promise<() => () => Promise<void>> {
    server.put(revision({ 'scale-to-zero-pod-retention-period': '5m' }));
    server.put(deployment(1));
    const { client } = server;
    const parts = watchForAutoscaler({ client, gatewayPort: gateway.port, signal: stop.signal, now });
    const lead = () => {
      const term = new AbortController();
      const leading = parts.autoscaler.run(term.signal);
      return () => {
        term.abort();
        return leading;
      };
    };
    const deposed = lead();
    autoscaler = parts.watching;
    await ticks();
    await pass(ms);
    await ticks();
    await deposed();
    return lead;
  }

  it('keeps its state when it leads again, and does not count the time in between', async () => {
    const lead = await ledFor(3 * MINUTE);
    const { term: first = 0 } = gateway.orders ?? {};
    ahead += 10 * MINUTE;
    const deposed = lead();
    await ticks(3);
    assert.equal(replicas(), 1, 'it was idle for three minutes, as far as is known');
    assert.ok((gateway.orders?.term ?? 0) > first, 'gateways see that a new term has begun');
    await pass(MINUTE);
    await ticks(3);
    assert.equal(replicas(), 1);
    await pass(MINUTE);
    await reaches(0);
    await deposed();
  });

  it('keeps what had a request while it did not lead', async () => {
    const lead = await ledFor(4 * MINUTE);
    gateway.tell(KEY, { requests: 1, lastRequestAt: now() });
    const deposed = lead();
    await ticks(3);
    await pass(4 * MINUTE);
    await ticks(3);
    assert.equal(replicas(), 1);
    await pass(MINUTE);
    await reaches(0);
    await deposed();
  });

  describe('whose machine gets another time of day', () => {
    const { now: real } = Date;
    let step: number;

    beforeEach(() => {
      step = 0;
      Date.now = () => real() + step;
      gateway.now = () => performance.now();
    });

    afterEach(() => {
      Date.now = real;
    });

    /** An autoscaler that goes by the time of the machine, which is then set, after some rounds. */
    async function ledThroughStep(ms: number, retention: string): Promise<void> {
      server.put(revision({ 'scale-to-zero-pod-retention-period': retention }));
      server.put(deployment(1));
      autoscaler = runAutoscaler({ client: server.client, gatewayPort: gateway.port, signal: stop.signal });
      gateway.tell(KEY, { inFlight: 1 });
      await ticks(5);
      gateway.tell(KEY, { inFlight: 0 });
      await ticks();
      step = ms;
    }

    it('takes no instance before its idle time is over: an hour forward', async () => {
      await ledThroughStep(60 * MINUTE, '15m');
      await ticks(20);
      assert.equal(replicas(), 1);
    });

    it('keeps none for longer than its idle time: an hour back', async () => {
      await ledThroughStep(-60 * MINUTE, '1s');
      await reaches(0);
    });
  });

  it('writes once, however far the cache is behind', async () => {
    server.put(revision());
    server.put(deployment(1));
    start();
    await ticks();
    const isRead = ({ method, path }: { method: string; path: string }) =>
      method === 'GET' && /deployments$/.test(path);
    server.failNext(new Rejection(500, 'InternalError', 'down'), isRead, Number.POSITIVE_INFINITY);
    server.endWatches();
    gateway.tell(KEY, { inFlight: 320 });
    await reaches(4);
    await ticks(5);
    assert.equal(scaleWrites().length, 1);
    for (const name of ['a', 'b', 'c', 'd']) running(name);
    gateway.tell(KEY, { inFlight: 0 });
    await ticks();
    await pass(16 * MINUTE);
    await reaches(0);
    const [, lowered] = scaleWrites();
    assert.notEqual((lowered?.body as KubeObject | undefined)?.metadata.resourceVersion, undefined);
    assert.equal(scaleWrites().length, 2);
  });

  it('waits for the answer to a write before the next', async () => {
    server.put(revision());
    server.put(deployment(1));
    start();
    await ticks();
    server.pause();
    gateway.tell(KEY, { inFlight: 320 });
    await ticks(5);
    server.resume();
    await reaches(4);
    await ticks(3);
    assert.equal(scaleWrites().length, 1);
  });

  it('does not take its own writes for activity', async () => {
    server.put(revision({ 'scale-to-zero-pod-retention-period': '5m' }));
    server.put(route());
    server.put(deployment(1));
    start();
    await ticks();
    await pass(4 * MINUTE);
    server.put(service({ minScale: '2' }));
    await reaches(2);
    server.put(service({}));
    await ticks(4);
    assert.equal(replicas(), 2);
    await pass(MINUTE);
    await reaches(0);
  });

  it('does not keep an instance for one that is being deleted', async () => {
    server.put(revision());
    server.put(deployment(3));
    const going = pod('going');
    server.put({ ...going, metadata: { ...going.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } });
    server.put(pod('busy'));
    gateway.tell(KEY, { inFlight: 2, instances: { going: 1, busy: 1 } });
    start();
    await ticks();
    await pass(16 * MINUTE);
    await reaches(1);
  });

  it('starts afresh for another revision of the same name', async () => {
    const named = (uid: string) => {
      const made = revision({ 'scale-to-zero-pod-retention-period': '5m' });
      return { ...made, metadata: { ...made.metadata, uid } };
    };
    server.put(named('one'));
    server.put(deployment(1));
    start();
    await ticks();
    await pass(4 * MINUTE);
    server.remove(REVISIONS, REF);
    server.put(named('two'));
    await ticks(3);
    await pass(4 * MINUTE);
    await ticks(3);
    assert.equal(replicas(), 1);
    await pass(MINUTE);
    await reaches(0);
  });

  it('decides for a thousand idle revisions in less than five milliseconds', async () => {
    for (let index = 0; index < 1000; index++) {
      const name = `idle-${index}`;
      server.put(revision({}, 'True', name));
      server.put(route(name, name));
      server.put(deployment(0, name));
      gateway.tell(`n/${name}`, { requests: 9, concurrencyMs: 900, lastRequestAt: 1 });
    }
    start();
    await ticks(10);
    const quick = async () =>
      (await autoscalerTick.get()).values.find(({ labels }) => labels.le === 0.005)?.value ?? 0;
    const before = await quick();
    await ticks(40);
    // The best of forty shows the cost of a round; the others show what else the machine does.
    assert.ok((await quick()) > before, 'no round was as quick');
    assert.equal(server.writes.length, 0);
  });
});
