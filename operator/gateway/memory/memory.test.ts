import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bundleEntries } from '../../generate/bundle.ts';
import { freePort } from '../../testing/freePort.ts';

/** 60 % of the memory limit that the chart gives a gateway pod. */
const MOST_MEBIBYTES = 614;
/** Of two threads that have served a few requests. */
const MOST_IDLE_MEGABYTES = 110;
/** As many are tried; the gateway takes what its limits for connections let it take. */
const CONNECTIONS = 10_000;
/** The longest that a kind is looked at. */
const LOOK_MS = 4000;
/** Memory that has not grown by {@link FLAT_MEBIBYTES} for so long has found its bound. */
const FLAT_MS = 1000;
const FLAT_MEBIBYTES = 4;
/**
 * How long another client may wait for an answer meanwhile. Most wait for seconds at the most; these clients
 * and programs take the same processors as the gateway.
 */
const PATIENCE_MS = 30_000;
/** What the chart sets for each pod. */
const MALLOC = { MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '131072' };

/** What connections do that want the most memory; see memory/load.ts. */
const KINDS: Record<string, string> = {
  silent: 'say nothing',
  session: 'speak HTTP/2 and ask nothing',
  head: 'send 60 kB of a header section that never ends',
  heads: 'wait with header sections of 60 kB',
  post: 'send bodies to a service at zero',
  streams: 'send 100 bodies each over HTTP/2 to a service at zero',
  burst: 'ask 100 times each over HTTP/2 once all are open',
  answers: 'do not read their answers of 1 MB',
  downloads: 'do not read 100 answers of 1 MB each over HTTP/2',
  pipelined: 'send 2,000 requests each at once',
};

/** The threads as they are bundled for production, in a process of their own, against a process of clients. */
describe('memory of a gateway', () => {
  const children: ChildProcess[] = [];
  const programs: number[] = [];
  let directory: string;
  let gateway: ChildProcess;
  let port: number;

  async function start(file: URL | string, ...args: (string | number)[]): Promise<ChildProcess> {
    const child = fork(file, args.map(String), { env: { ...process.env, ...MALLOC } });
    children.push(child);
    const [said] = await Promise.race([once(child, 'message'), once(child, 'exit')]);
    assert.equal(typeof said, 'string', `${file} ended`);
    return child;
  }

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gateway-memory-'));
    await bundleEntries(join(import.meta.dirname, '../../..'), directory, {
      gateway: 'operator/gateway/memory/gateway.ts',
      thread: 'operator/gateway/data/thread.ts',
    });
    for (let i = 0; i < 2; i++) {
      const at = await freePort();
      await start(new URL('./program.ts', import.meta.url), at);
      programs.push(at);
    }
  });

  beforeEach(async () => {
    port = await freePort();
    gateway = await start(join(directory, 'gateway.js'), port, await freePort(), ...programs);
  });

  afterEach(() => {
    for (const child of children.splice(programs.length)) child.kill('SIGKILL');
  });

  after(async () => {
    for (const child of children) child.kill('SIGKILL');
    await rm(directory, { recursive: true, force: true });
  });

  it('is at most 110 MB in two threads that have served requests', async () => {
    for (let i = 0; i < 20; i++) await answer(port);
    const megabytes = (mebibytes(gateway, 'VmRSS') * 1024 * 1024) / 1e6;
    assert.ok(megabytes <= MOST_IDLE_MEGABYTES, `${megabytes} MB`);
  });

  for (const [kind, does] of Object.entries(KINDS)) {
    it(`stays under 60 % of its limit, and others are answered, when 10,000 connections ${does}`, async () => {
      let slowest = 0;
      let looking = true;
      const others = (async () => {
        while (looking) slowest = Math.max(slowest, await answer(port));
      })();
      const flat = async (): Promise<void> => {
        const end = performance.now() + LOOK_MS;
        let most = mebibytes(gateway, 'VmHWM');
        let since = Number.POSITIVE_INFINITY;
        do {
          await sleep(50);
          const now = mebibytes(gateway, 'VmHWM');
          if (now > most + FLAT_MEBIBYTES) {
            most = now;
            since = performance.now();
          }
        } while (performance.now() < Math.min(end, since + FLAT_MS));
        looking = false;
      };
      children.push(fork(new URL('./load.ts', import.meta.url), [kind, String(port), String(CONNECTIONS)]));
      await Promise.all([others, flat()]);
      const peak = mebibytes(gateway, 'VmHWM');
      process.stdout.write(`      ${kind}: ${peak} MB, others ${Math.round(slowest)} ms at the most\n`);
      assert.ok(peak < MOST_MEBIBYTES, `${peak} MB`);
    });
  }
});

/** Resident memory of the process: now (VmRSS), or the most at any time (VmHWM). */
function mebibytes({ pid }: ChildProcess, which: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(new RegExp(`${which}:\\s+(\\d+)`).exec(status)?.[1]) / 1024);
}

/** How long another client waits for its answer of another service, on a connection of its own, in ms. */
async function answer(port: number): Promise<number> {
  const begun = performance.now();
  const call = request({ port, host: '127.0.0.1', headers: { host: 'app.test' }, agent: false }).end();
  const late = setTimeout(() => call.destroy(new Error(`no answer in ${PATIENCE_MS} ms`)), PATIENCE_MS);
  try {
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    response.resume();
    await once(response, 'end');
    assert.equal(response.statusCode, 200);
    return performance.now() - begun;
  } finally {
    clearTimeout(late);
  }
}
