import assert from 'node:assert/strict';
import { reconciles } from '../telemetry/metrics.ts';
import { configMap } from '../testing/builders.ts';
import { FakeClock } from '../testing/clock.ts';
import { FakeApiServer } from '../testing/fakeApiServer.ts';
import { silent, until } from '../testing/until.ts';
import { Controller, type Reconcile, type Reconciled } from './controller.ts';
import { CONFIG_MAPS, type ConfigMap } from './core.ts';
import { KubeError, StaleError, TerminalError } from './errors.ts';
import { Informer } from './informer.ts';
import { keyOf } from './types.ts';
import { WorkQueue } from './workqueue.ts';

describe('Controller', () => {
  let stop: AbortController;
  let running: Promise<unknown>[];
  let clock: FakeClock;

  beforeEach(() => {
    stop = new AbortController();
    running = [];
    clock = new FakeClock();
  });

  afterEach(async () => {
    stop.abort();
    await Promise.all(running);
  });

  function start(name: string, reconcile: Reconcile, workers = 1): Controller {
    const queue = new WorkQueue({ name, clock, random: () => 0 });
    const controller = new Controller({ name, reconcile, log: silent, queue, workers });
    running.push(controller.run(stop.signal));
    return controller;
  }

  async function count(controller: string): Promise<Record<string, number>> {
    const { values } = await reconciles.get();
    const own = values.filter(({ labels }) => labels.controller === controller);
    return Object.fromEntries(own.map(({ labels, value }) => [labels.result, value]));
  }

  it('tells an observer of each reconcile: which attempt it was, how it ended, and why', async () => {
    const failure = new KubeError('quota', { code: 'KUBE_FORBIDDEN', status: 403 });
    let left = 2;
    const controller = start('observed', async () => {
      if (left-- > 0) throw failure;
      return { requeueAfterMs: 3_600_000 };
    });
    const seen: Reconciled[] = [];
    controller.observe((reconciled) => seen.push(reconciled));
    controller.enqueue('ns/a');
    await until('three reconciles', () => {
      clock.advance(1_000);
      return seen.length === 3;
    });
    const common = { controller: 'observed', key: 'ns/a' };
    assert.deepEqual(
      seen.map(({ startedAt: _, durationMs: __, ...rest }) => rest),
      [
        { ...common, attempt: 1, result: 'error', error: failure },
        { ...common, attempt: 2, result: 'error', error: failure },
        { ...common, attempt: 3, result: 'requeue' },
      ],
    );
    for (const { startedAt, durationMs } of seen) {
      assert.ok(durationMs >= 0);
      assert.ok(startedAt <= Date.now());
    }
  });

  const returns: Record<string, { error: unknown; again: boolean; reason: string }> = {
    'could not be reached': {
      error: new KubeError('refused', { code: 'KUBE_UNREACHABLE' }),
      again: true,
      reason: 'it can be now',
    },
    'was starting': {
      error: new KubeError('starting', { code: 'KUBE_SERVER', status: 503 }),
      again: true,
      reason: 'it has started',
    },
    'refused it': {
      error: new KubeError('quota', { code: 'KUBE_FORBIDDEN', status: 403 }),
      again: false,
      reason: 'it would do so again',
    },
  };
  for (const [name, { error, again, reason }] of Object.entries(returns)) {
    it(`${again ? 'tries at once' : 'waits with'} what failed as the API server ${name}, when it returns: ${reason}`, async () => {
      let runs = 0;
      const controller = start(`returns ${name}`, async () => {
        runs++;
        throw error;
      });
      controller.enqueue('a');
      for (let failures = 1; failures <= 17; failures++) {
        await until('it has failed', () => controller.queue.failures('a') === failures && !controller.stuck);
        await until('it waits', () => controller.queue.scheduled > 0);
        if (failures < 17) clock.advance(300_000);
      }
      const before = runs;
      controller.serverReturned();
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(runs - before, again ? 1 : 0);
      assert.equal(controller.queue.failures('a'), again ? 1 : 17);
    });
  }

  const failures: Record<string, { error: unknown; again: boolean; result: string; reason: string }> = {
    terminal: {
      error: new TerminalError('never'),
      again: false,
      result: 'terminal',
      reason: 'no retry can heal it',
    },
    error: { error: new Error('boom'), again: true, result: 'error', reason: 'it may heal' },
    stale: { error: new StaleError('old'), again: true, result: 'stale', reason: 'the cache will catch up' },
    conflict: {
      error: new KubeError('conflict', { code: 'KUBE_CONFLICT' }),
      again: true,
      result: 'stale',
      reason: 'someone else wrote',
    },
    'a namespace that goes away': {
      error: new KubeError('forbidden', {
        code: 'KUBE_FORBIDDEN',
        details: { causes: [{ reason: 'NamespaceTerminating' }] },
      }),
      again: false,
      result: 'done',
      reason: 'what was to be made would be deleted at once',
    },
    'no error object': { error: 'text', again: true, result: 'error', reason: 'anything can be thrown' },
  };
  for (const [name, { error, again, result, reason }] of Object.entries(failures)) {
    it(`${again ? 'tries again' : 'gives up'} after ${name}: ${reason}`, async () => {
      const runs: string[] = [];
      const controller = start(`fails ${name}`, async (key) => {
        runs.push(key);
        if (runs.length === 1) throw error;
      });
      controller.enqueue('a');
      await until('it has failed', async () => (await count(`fails ${name}`))[result] === 1);
      assert.equal(controller.queue.failures('a'), again ? 1 : 0);
      clock.advance(5);
      if (again) await until('it is tried again', () => runs.length === 2);
      assert.deepEqual(await count(`fails ${name}`), again ? { [result]: 1, done: 1 } : { [result]: 1 });
      assert.equal(controller.queue.failures('a'), 0);
    });
  }

  it('looks again when asked to', async () => {
    const runs: number[] = [];
    const controller = start('requeues', async () => {
      runs.push(clock.now());
      return runs.length === 1 ? { requeueAfterMs: 1_000 } : undefined;
    });
    controller.enqueue('a');
    await until('the first', () => runs.length === 1);
    await until('it is put back', () => clock.pending === 1);
    clock.advance(999);
    assert.equal(controller.queue.length, 0);
    clock.advance(1);
    await until('the second', () => runs.length === 2);
    assert.deepEqual(runs, [0, 1_000]);
  });

  it('runs several keys at a time, but never one key twice', async () => {
    const gates = new Map<string, () => void>();
    let together = 0;
    const controller = start(
      'parallel',
      async (key) => {
        assert.ok(!gates.has(key), `${key} runs twice`);
        together = Math.max(together, gates.size + 1);
        await new Promise<void>((open) => gates.set(key, open));
        gates.delete(key);
      },
      2,
    );
    for (const key of ['a', 'b', 'c', 'a']) controller.enqueue(key);
    await until('two run', () => gates.size === 2);
    controller.enqueue('a');
    for (const key of ['a', 'b', 'c', 'a']) {
      const open = await until(`${key} runs`, () => gates.get(key));
      open();
      await until(`${key} ends`, () => gates.get(key) !== open);
    }
    assert.equal(together, 2);
    assert.deepEqual(await count('parallel'), { done: 4 });
  });

  it('finishes what runs before it stops, and begins nothing', async () => {
    const steps: string[] = [];
    const gate = Promise.withResolvers<void>();
    const controller = start('stops', async (key, signal) => {
      steps.push(`${key} begins`);
      await gate.promise;
      steps.push(`${key} ends, ${signal.aborted}`);
    });
    controller.enqueue('a');
    controller.enqueue('b');
    await until('a begins', () => steps.length === 1);
    stop.abort();
    gate.resolve();
    await Promise.all(running);
    assert.deepEqual(steps, ['a begins', 'a ends, true']);
  });

  it('says which reconcile does not end after five minutes, and not when it has ended', async () => {
    const gates = new Map<string, () => void>();
    const wait = (key: string) => new Promise<void>((open) => gates.set(key, open));
    const controller = start('hangs', wait, 2);
    assert.equal(controller.stuck, undefined);
    controller.enqueue('a');
    await until('a begins', () => gates.has('a'));
    clock.advance(1_000);
    controller.enqueue('b');
    await until('b begins', () => gates.has('b'));
    clock.advance(299_000);
    assert.equal(controller.stuck, undefined);
    clock.advance(1_000);
    assert.equal(controller.stuck, 'controller hangs has been reconciling a for 301 s');
    gates.get('a')?.();
    await until('a ends', () => controller.stuck === undefined);
    gates.get('b')?.();
  });

  it('leaves sockets and timers their turn however many reconciles have nothing to wait for', async () => {
    const controller = start('busy', async () => {
      const until = performance.now() + 1;
      while (performance.now() < until);
    });
    for (let n = 0; n < 200; n++) controller.enqueue(`key-${n}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
    assert.ok(controller.queue.length > 100, 'the timer had to wait for everything');
  });

  describe('watching', () => {
    let server: FakeApiServer;

    beforeEach(async () => {
      server = await FakeApiServer.start();
    });

    afterEach(async () => {
      stop.abort();
      await Promise.all(running);
      await server.close();
    });

    function watching(name: string, toKeys: (object: ConfigMap) => string[]) {
      const informer = new Informer<ConfigMap>({ client: server.client, type: CONFIG_MAPS, log: silent });
      const runs: string[] = [];
      const controller = new Controller({
        name,
        log: silent,
        reconcile: async (key) => {
          runs.push(key);
        },
      }).watch(informer, toKeys);
      running.push(controller.run(stop.signal), informer.run(stop.signal));
      return { controller, informer, runs };
    }

    it('waits until everything is known', async () => {
      server.put(configMap('a', '1'));
      server.kill();
      const { controller, runs, informer } = watching('waits', ({ metadata }) => [keyOf(metadata)]);
      controller.enqueue('early');
      await new Promise((resolve) => setTimeout(resolve, 30));
      assert.deepEqual(runs, []);
      await server.restart();
      await informer.synced;
      await until('both', () => runs.length === 2);
      assert.deepEqual(runs, ['early', 'ns/a'], 'what was there at the start has a low priority');
    });

    it('stops while it waits', async () => {
      server.kill();
      watching('stops waiting', () => []);
      stop.abort();
      await Promise.all(running);
    });

    it('reconciles a key once for an update of an object that stays with it', async () => {
      server.put(configMap('a', '1'));
      const { runs, controller, informer } = watching('once', ({ metadata }) => [keyOf(metadata)]);
      await informer.synced;
      await until('the first', () => runs.length === 1);
      server.put(configMap('a', '2'));
      await until('the update', () => runs.length >= 2);
      controller.enqueue('last');
      await until('what came after', () => runs.includes('last'));
      assert.deepEqual(runs, ['ns/a', 'ns/a', 'last']);
    });

    it('tells both owners when an object changes hands', async () => {
      server.put(configMap('a', 'x'));
      const { runs, informer } = watching('owners', ({ data }) => [data?.value ?? '']);
      await informer.synced;
      await until('the first', () => runs.length === 1);
      server.put(configMap('a', 'y'));
      await until('both', () => runs.length === 3);
      assert.deepEqual(runs.sort(), ['x', 'x', 'y']);
    });
  });
});
