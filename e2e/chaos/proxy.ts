import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer, request } from 'node:https';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Random } from '../../operator/testing/random.ts';
import { STATE } from './processes.ts';

const run = promisify(execFile);
const PORT = 16_443;
/** How pods address the API server, and where it really is. */
const SERVICE = '10.96.0.1';
const API_SERVER = { host: '127.0.0.1', port: 6443 };

export interface ProxyFaults {
  delayMs: number;
  /** Of each request, to be answered 500 or not at all. */
  errorShare: number;
}

/** An API server that is slow and fails, for the pods of the node; its own answers go through a proxy in its place. */
export class FaultyApiServer {
  /** Requests that it has let wait, and that it has failed. */
  readonly counts = { delayed: 0, failed: 0 };
  readonly #server;
  readonly #agent;

  private constructor(
    certificate: Buffer,
    key: Buffer,
    authority: Buffer,
    faults: ProxyFaults,
    random: Random,
  ) {
    this.#agent = new Agent({ keepAlive: true, ca: authority });
    this.#server = createServer({ cert: certificate, key }, (asked, answer) => {
      void this.#answer(asked, answer, faults, random).catch(() => answer.destroy());
    });
  }

  /** Puts the proxy between all pods and the API server; their connections are reset. */
  static async start(faults: ProxyFaults, random: Random): Promise<FaultyApiServer> {
    const file = (name: string) => readFile(join(STATE, 'pki', name));
    const [certificate, key, authority] = await Promise.all(
      ['apiserver.crt', 'apiserver.key', 'ca.crt'].map(file),
    );
    const proxy = new FaultyApiServer(
      certificate as Buffer,
      key as Buffer,
      authority as Buffer,
      faults,
      random,
    );
    proxy.#server.listen(PORT);
    await once(proxy.#server, 'listening');
    await redirect('-I');
    return proxy;
  }

  async stop(): Promise<void> {
    await redirect('-D');
    this.#server.closeAllConnections();
    this.#server.close();
    this.#agent.destroy();
  }

  async #answer(
    asked: IncomingMessage,
    answer: ServerResponse,
    faults: ProxyFaults,
    random: Random,
  ): Promise<void> {
    this.counts.delayed++;
    await sleep(faults.delayMs);
    if (random.chance(faults.errorShare)) {
      this.counts.failed++;
      if (random.chance(0.5)) answer.destroy();
      else answer.writeHead(500, { 'content-type': 'text/plain' }).end('an injected fault');
      return;
    }
    const { method, url: path, headers } = asked;
    const passed = request({
      ...API_SERVER,
      agent: this.#agent,
      servername: 'kubernetes',
      method,
      path,
      headers,
    });
    answer.on('close', () => passed.destroy());
    // Also one that comes after the response has begun.
    passed.on('error', () => answer.destroy());
    const response = once(passed, 'response') as Promise<[IncomingMessage]>;
    const [[received]] = await Promise.all([response, pipeline(asked, passed)]);
    answer.writeHead(received.statusCode ?? 502, received.headers);
    answer.flushHeaders();
    await pipeline(received, answer);
  }
}

/** Connections that exist keep their way; without an entry the kernel resets them. */
async function redirect(how: '-I' | '-D'): Promise<void> {
  const to = ['-d', SERVICE, '-p', 'tcp', '--dport', '443'];
  await run('iptables', ['-t', 'nat', how, 'PREROUTING', ...to, '-j', 'REDIRECT', '--to-ports', `${PORT}`]);
  // It fails where there is none.
  await run('conntrack', ['-D', ...to]).catch(() => {});
}
