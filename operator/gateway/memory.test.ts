import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { until } from '../testing/until.ts';

/** 60 % of the memory limit that the chart gives a gateway pod. */
const MOST_MEBIBYTES = 614;
/** An open file for each connection, in the gateway and in the load. */
const CONNECTIONS = 10_000;
const PATIENCE_MS = 20_000;

/**
 * What connections do that want the most memory; see memory/load.ts. Three kinds are run with fewer than 10,000, to keep
 * the test short; of `streams` more than about a thousand pass the bound.
 */
const KINDS: Record<string, { does: string; connections: number }> = {
  silent: { does: 'say nothing', connections: CONNECTIONS },
  session: { does: 'speak HTTP/2 and ask nothing', connections: CONNECTIONS },
  head: { does: 'send 60 kB of a header section that never ends', connections: CONNECTIONS },
  heads: { does: 'wait with header sections of 60 kB', connections: CONNECTIONS },
  post: { does: 'send bodies to a service at zero', connections: CONNECTIONS },
  streams: { does: 'send 100 bodies each over HTTP/2 to a service at zero', connections: 300 },
  answers: { does: 'do not read their answers of 1 MB', connections: 2500 },
  pipelined: { does: 'send 2,000 requests each at once', connections: 2000 },
};

/** Real threads in a process of their own, against a process of clients: what counts is the peak of the first. */
describe('memory of a gateway', function () {
  this.timeout(60_000);
  const children: ChildProcess[] = [];
  const programs: number[] = [];
  let gateway: ChildProcess;
  let port: number;

  async function start(file: string, ...args: (string | number)[]): Promise<ChildProcess> {
    const child = fork(new URL(`./memory/${file}.ts`, import.meta.url), args.map(String));
    children.push(child);
    const [said] = await Promise.race([once(child, 'message'), once(child, 'exit')]);
    assert.equal(typeof said, 'string', `${file} ended`);
    return child;
  }

  before(async () => {
    for (let i = 0; i < 2; i++) {
      const at = await freePort();
      await start('program', at);
      programs.push(at);
    }
  });

  beforeEach(async () => {
    port = await freePort();
    gateway = await start('gateway', port, await freePort(), ...programs);
  });

  afterEach(() => {
    for (const child of children.splice(programs.length)) child.kill('SIGKILL');
  });

  after(() => {
    for (const child of children) child.kill('SIGKILL');
  });

  for (const [kind, { does, connections }] of Object.entries(KINDS)) {
    it(`stays under 60 % of its limit when ${connections} connections ${does}`, async () => {
      let asking = true;
      let answered = 0;
      const others = (async () => {
        while (asking) {
          assert.equal(await ask(port), 200);
          answered++;
        }
      })();
      const loaded = start('load', kind, port, connections);
      await Promise.race([loaded, others]);
      const before = answered;
      await Promise.race([
        until('others are answered', () => answered >= before + 5, { timeoutMs: PATIENCE_MS }),
        others,
      ]);
      asking = false;
      await others;
      const peak = peakMebibytes(gateway);
      assert.ok(peak < MOST_MEBIBYTES, `${peak} MB`);
    });
  }
});

/** The most memory that the process had at any time. */
function peakMebibytes({ pid }: ChildProcess): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024);
}

/** The status that another client gets of another service, on a connection of its own. */
function ask(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const call = request(
      { port, host: '127.0.0.1', headers: { host: 'app.test' }, agent: false },
      (answer) => {
        answer.resume().on('end', () => resolve(answer.statusCode ?? 0));
      },
    );
    call.on('error', reject);
    call.setTimeout(PATIENCE_MS, () => call.destroy(new Error('no answer')));
    call.end();
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
