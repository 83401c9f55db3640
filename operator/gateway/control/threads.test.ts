import assert from 'node:assert/strict';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createNet } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BroadcastChannel } from 'node:worker_threads';
import { pino } from 'pino';
import { FAULT_CHANNEL, type Fault, type FaultMessage } from '../../testing/faults.ts';
import { freePort } from '../../testing/freePort.ts';
import { silent, until } from '../../testing/until.ts';
import type { FromThread } from '../shared/messages.ts';
import { Slots } from '../shared/slots.ts';
import { Stats } from '../shared/stats.ts';
import { ask, LIMITS } from '../testing/harness.ts';
import { AccessLogWriter } from './accessLogWriter.ts';
import { RouteTable } from './routeTable.ts';
import type { ThreadsOptions } from './threadOptions.ts';
import { Threads } from './threads.ts';

const FAULTY = new URL('../../testing/faultyThread.ts', import.meta.url);
/** A thread that ends before it listens. */
const BROKEN = new URL('data:text/javascript,throw new Error("broken")');

interface Line {
  msg: string;
  thread?: number;
  reason?: string;
  kind?: string;
  delayMs?: number;
  err?: { message: string; stack: string };
}

/** Real worker threads on one port. */
describe('Threads', () => {
  let slots: Slots;
  let stats: Stats;
  let table: RouteTable;
  let threads: Threads;
  let port: number;
  let faults: BroadcastChannel;
  let lines: Line[];
  let most = 0;
  let inFlight = 0;
  let held: (() => void)[] = [];
  const messages: FromThread[] = [];
  const program = createServer((request, response) => {
    if (request.url === '/held') {
      held.push(() => response.end('late'));
      return;
    }
    inFlight++;
    most = Math.max(most, inFlight);
    setTimeout(() => {
      inFlight--;
      response.end('ok');
    }, 5);
  });

  before(async () => {
    program.listen(0, '127.0.0.1');
    await once(program, 'listening');
  });

  after(() => {
    program.closeAllConnections();
    program.close();
  });

  beforeEach(() => {
    faults = new BroadcastChannel(FAULT_CHANNEL);
    messages.length = 0;
    lines = [];
    held = [];
  });

  afterEach(async () => {
    await threads.stop(0);
    faults.close();
  });

  const make = async (count: number, options: Partial<ThreadsOptions> = {}): Promise<void> => {
    port = await freePort();
    slots = Slots.create(count);
    stats = Stats.create(count);
    table = new RouteTable(() => {});
    const programPort = (program.address() as { port: number }).port;
    const check = { attempt: { kind: 'tcp' as const, port: 1, timeoutMs: 1000 }, delayMs: 0 };
    table.setRevision('ns/a', { limit: 3, timeoutMs: 60_000, protocol: 'http1', port: 1, check }, 10_000);
    table.setRoute('ns/r', {
      createdAt: '',
      hosts: new Map([['app.test', [{ revision: 'ns/a', percent: 100 }]]]),
      internalOnly: false,
    });
    table.setInstance(0, { slot: 0, revision: 'ns/a', pod: 'p', host: '127.0.0.1', port: programPort });
    table.take();
    threads = new Threads({
      slots,
      stats,
      port,
      internalPort: await freePort(),
      host: '127.0.0.1',
      limits: LIMITS,
      log: silent,
      snapshot: () => table.snapshot(),
      receive: (message) => messages.push(message),
      ...options,
    });
  };
  const start = async (count: number, options: Partial<ThreadsOptions> = {}): Promise<void> => {
    const log = pino({ level: 'info' }, { write: (line) => void lines.push(JSON.parse(line) as Line) });
    await make(count, { file: FAULTY, log, ...options });
    await threads.start();
  };
  /** Resolves when the thread begins to do it. */
  const fault = (thread: number, what: Fault): Promise<void> =>
    new Promise((resolve) => {
      faults.onmessage = () => resolve();
      faults.postMessage([thread, what] satisfies FaultMessage);
    });
  const get = async (path = '/') => {
    const { status, text, headers } = await ask(`http://127.0.0.1:${port}`, path);
    return { status, text, connection: headers.connection };
  };
  const count = (of: ReadonlyMap<string, number>) => Object.fromEntries(of);
  /** Asks all the time, until `condition` is true. @returns the statuses. */
  const askUntil = async (what: string, condition: () => boolean): Promise<Set<number>> => {
    const statuses = new Set<number>();
    await until(what, async () => {
      statuses.add((await get()).status);
      return condition();
    });
    return statuses;
  };

  it('write the access log of all requests, to the last one', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'access-log-'));
    const fd = openSync(join(directory, 'log'), 'w');
    const accessLog = new AccessLogWriter(fd);
    await start(2, { accessLog });
    for (let i = 0; i < 20; i++) await get(`/${i}`);
    await threads.stop(1000);
    await accessLog.end(5000);
    closeSync(fd);
    const log = readFileSync(join(directory, 'log'), 'utf8').trimEnd().split('\n');
    const urls = log.map((line) => JSON.parse(line).httpRequest.requestUrl).toSorted();
    assert.deepEqual(urls, Array.from({ length: 20 }, (_, i) => `http://app.test/${i}`).toSorted());
    rmSync(directory, { recursive: true });
  });

  it('start two, where as many are allowed, and more on demand, up to the limit', async () => {
    await start(3);
    assert.equal(threads.serving, 2);
    threads.grow();
    await until('the third listens', () => threads.serving === 3);
    threads.grow();
    assert.equal(threads.listening, true);
    assert.equal(threads.serving, 3);
  });

  it('are one where only one is allowed', async () => {
    await start(1);
    assert.equal(threads.serving, 1);
    assert.equal((await get()).status, 200);
  });

  it('share a port and keep the limit of an instance between them', async () => {
    await start(2);
    most = 0;
    const answers = await Promise.all(Array.from({ length: 200 }, () => get()));
    assert.ok(answers.every(({ status }) => status === 200));
    assert.equal(most, 3);
    await until('all slots are free', () => slots.inFlight(0) === 0);
  });

  it('report when all of them use a table', async () => {
    await start(2);
    table.setInstance(0, undefined);
    const update = table.take() ?? assert.fail();
    threads.send(update);
    await until('it is applied', () => threads.applied === update.version);
  });

  const deaths: Record<string, { fault: Fault; reason: string; kind?: string; error?: RegExp }> = {
    'an exception': { fault: 'throw', reason: 'crash', kind: 'exception', error: /thrown by a test/ },
    'an unhandled rejection': {
      fault: 'reject',
      reason: 'crash',
      kind: 'rejection',
      error: /rejected by a test/,
    },
    'a full heap': { fault: 'memory', reason: 'crash', kind: 'memory', error: /memory/ },
    'a message that it cannot read': {
      fault: 'unreadable',
      reason: 'crash',
      kind: 'exception',
      error: /unreadable by a test/,
    },
    'an exit': { fault: 'exit', reason: 'exit' },
  };
  for (const [name, { fault: what, reason, kind, error }] of Object.entries(deaths)) {
    it(`replace one that is ended by ${name}, log the reason once and count it, while the other serves`, async () => {
      await start(2, { heapMb: 64 });
      slots.acquire(1, 0, 3);
      stats.writer(1).begin(0, 1);
      const ended = () => lines.filter(({ msg }) => /^data thread ended/.test(msg));
      await fault(1, what);
      // A connection that had reached the thread ends with it; what comes afterwards is served.
      await until('it has ended', () => threads.serving === 1);
      await until('its death is noticed', () => ended().length === 1);
      assert.deepEqual(await askUntil('it is replaced', () => threads.serving === 2), new Set([200]));
      await until('its slots are free', () => slots.inFlight(0) === 0);
      await until('its requests are not counted', () => stats.read(0, 1).inFlight === 0);
      const { series } = threads;
      assert.deepEqual(count(series.deaths), { [reason]: 1 });
      assert.deepEqual(count(series.restarts), { [reason]: 1 });
      assert.deepEqual(count(series.errors), kind ? { [kind]: 1 } : {});
      const [line] = ended();
      assert.deepEqual([line?.thread, line?.reason, line?.kind], [1, reason, kind]);
      if (error) assert.match(line?.err?.message ?? '', error);
      if (what === 'reject') assert.match(line?.err?.stack ?? '', /faultyThread/);
      assert.equal(ended().length, 1);
    });
  }

  it('keep the requests of the others when one ends', async () => {
    await start(2);
    const check = { attempt: { kind: 'tcp' as const, port: 1, timeoutMs: 1000 }, delayMs: 0 };
    table.setRevision('ns/a', { limit: 20, timeoutMs: 60_000, protocol: 'http1', port: 1, check }, 10_000);
    threads.send(table.take() ?? assert.fail());
    const calls = Array.from({ length: 20 }, () =>
      get('/held').then(
        ({ text }) => text,
        () => 'broken off',
      ),
    );
    await until('all are in flight', () => held.length === 20);
    await fault(1, 'throw');
    await until(
      'it has been replaced',
      () => threads.series.restarts.get('crash') === 1 && threads.listening,
    );
    const left = slots.inFlight(0);
    assert.ok(left > 0 && left < 20, `${left}`);
    for (const release of held) release();
    const answers = await Promise.all(calls);
    assert.equal(answers.filter((text) => text === 'late').length, left);
  });

  it('are replaced later each time that they end early', async () => {
    await start(2);
    for (const times of [1, 2, 3]) {
      await fault(0, 'throw');
      await until(
        'another listens',
        () => threads.series.restarts.get('crash') === times && threads.listening,
      );
    }
    const delays = lines.flatMap(({ delayMs }) => delayMs ?? []);
    assert.deepEqual(delays, [100, 200, 400]);
  });

  it('replace one whose event loop has been stuck for 5 s, while the other serves', async () => {
    await start(2);
    const begun = performance.now();
    await fault(0, 'block');
    // Connections wait in the accept queue of the thread that is stuck, until it is ended.
    await until('it is terminated', () => threads.series.deaths.get('stuck') === 1);
    assert.ok(performance.now() - begun > 4900);
    assert.equal(threads.serving, 1);
    assert.deepEqual(await askUntil('it is replaced', () => threads.serving === 2), new Set([200]));
    assert.deepEqual(count(threads.series.restarts), { stuck: 1 });
    assert.equal(lines.filter(({ reason }) => reason === 'stuck').length, 1);
  });

  it('do not end the process when all of them end after they have listened', async () => {
    await start(2);
    let failed = false;
    threads.failed.catch(() => {
      failed = true;
    });
    await fault(0, 'throw');
    await fault(1, 'throw');
    await until('none serves', () => threads.serving === 0);
    await until('both serve', () => threads.serving === 2);
    assert.equal(failed, false);
    assert.equal((await get()).status, 200);
  });

  it('end the process with the port when it cannot be had', async () => {
    await make(2);
    const other = createNet();
    other.listen(port, '127.0.0.1');
    await once(other, 'listening');
    await assert.rejects(threads.start(), {
      code: 'DATA_THREADS',
      message: new RegExp(`^cannot serve on ports ${port} and \\d+: listen EADDRINUSE.*:${port}$`),
    });
    await assert.rejects(threads.failed, { code: 'DATA_THREADS' });
    other.close();
  });

  it('end the process when none listens and one after the other ends before it does', async () => {
    await make(2, { file: BROKEN });
    await assert.rejects(threads.start(), { code: 'DATA_THREADS', message: /: broken$/ });
    assert.deepEqual(count(threads.series.deaths), { crash: 8 });
  });

  it('treat a thread that the system does not start as one that has ended', async () => {
    await make(2, { file: new URL('https://app.test/thread.js') });
    await assert.rejects(threads.start(), { code: 'DATA_THREADS' });
    assert.deepEqual(count(threads.series.errors), { spawn: 8 });
  });

  it('let entries be reused that a thread between its end and its replacement cannot use', async () => {
    await start(2);
    // Each death makes the next replacement come later; the fourth leaves 800 ms.
    for (const times of [1, 2, 3, 4]) {
      await until('both listen', () => threads.listening);
      await fault(1, 'throw');
      await until('it has ended', () => threads.series.deaths.get('crash') === times);
    }
    table.setInstance(0, undefined);
    const update = table.take() ?? assert.fail();
    threads.send(update);
    await until('it is applied', () => threads.applied === update.version);
    assert.equal(threads.series.restarts.get('crash'), 3);
    await until('another listens', () => threads.listening);
    assert.equal(threads.applied, update.version);
  });

  it('close connections also where a thread started after it was asked for', async () => {
    await start(1);
    threads.send({ kind: 'closing' });
    await until('the first closes', async () => (await get()).connection === 'close');
    await fault(0, 'throw');
    await until('another listens', () => threads.series.restarts.size > 0 && threads.listening);
    assert.equal((await get()).connection, 'close');
  });

  it('give a thread that starts what changes until it listens', async () => {
    await start(1);
    table.setInstance(0, undefined);
    await fault(0, 'throw');
    await until('it has ended', () => threads.series.deaths.size > 0);
    await until('another starts', () => threads.series.restarts.size > 0, { everyMs: 1 });
    const { port: programPort } = program.address() as { port: number };
    table.setInstance(1, { slot: 1, revision: 'ns/a', pod: 'q', host: '127.0.0.1', port: programPort });
    threads.send(table.take() ?? assert.fail());
    assert.equal(threads.serving, 0);
    await until('it listens', () => threads.listening);
    assert.equal((await get()).status, 200);
  });

  it('are ended when they do not stop in time', async () => {
    await start(2);
    await fault(0, 'spin');
    const begun = performance.now();
    await threads.stop(100);
    assert.ok(performance.now() - begun > 3000);
    assert.ok(lines.some(({ msg }) => /^not all data threads stopped in time/.test(msg)));
    assert.equal(threads.serving, 0);
  });

  it('are ended when they have stopped and something keeps them alive', async () => {
    await start(1);
    await fault(0, 'linger');
    await threads.stop(5000);
    assert.equal(messages.at(-1)?.kind, 'stopped');
    // No thread runs any more, so none uses any table.
    assert.equal(threads.applied, Number.POSITIVE_INFINITY);
  });

  it('are not replaced once they were stopped', async () => {
    await start(2);
    await fault(0, 'throw');
    await until('a replacement is due', () => threads.series.deaths.size > 0);
    await threads.stop(0);
    // Its time would be after 100 ms.
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal(threads.series.restarts.size, 0);
    threads.grow();
    assert.equal(threads.serving, 0);
    await assert.rejects(threads.start(), { code: 'DATA_THREADS' });
  });

  it('that are stopped while they start do not leave the start waiting', async () => {
    await make(2);
    const started = assert.rejects(threads.start(), /stopped before they listened/);
    await threads.stop(0);
    await started;
  });

  it('report how late each event loop was', async () => {
    await start(2);
    await until('all have beaten', () => threads.series.lag.size === 3);
    for (const [thread, seconds] of threads.series.lag) assert.ok(seconds >= 0 && seconds < 5, thread);
    assert.deepEqual([...threads.series.lag.keys()], ['control', '0', '1']);
  });
});
