import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import type { Address } from '../lib/cluster.ts';
import { isNodeError } from './errors.ts';
import type { LostRequest } from './record.ts';

/** Longer than anything that is broken for a while; a request that waits longer is lost. */
const LONGEST_MS = 120_000;
/** As a load balancer asks again that could not connect: nothing was sent. */
const RECONNECT_MS = 50;
const NOT_CONNECTED = ['ECONNREFUSED', 'EHOSTUNREACH', 'UND_ERR_CONNECT_TIMEOUT'];

export interface Target {
  service: string;
  url: string;
  /** From the beginning of one request to that of the next, whether or not it has been answered. */
  everyMs: number;
}

/** Requests to services at constant rates for as long as it runs, and what became of them. */
export class Load {
  sent = 0;
  /** Connections that were refused before anything was sent. */
  refused = 0;
  readonly #pool: Pool;
  readonly #clock: () => number;
  readonly #lost: LostRequest[] = [];
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<void>>();

  /** @param clock milliseconds since the run began. */
  constructor({ host, port }: Address, clock: () => number) {
    this.#pool = new Pool(`http://${host}:${port}`, { connections: 64, headersTimeout: 0, bodyTimeout: 0 });
    this.#clock = clock;
  }

  start(target: Target): void {
    const timer = setInterval(() => {
      const one: Promise<void> = this.#ask(target).finally(() => this.#running.delete(one));
      this.#running.add(one);
    }, target.everyMs);
    this.#stop.signal.addEventListener('abort', () => clearInterval(timer));
  }

  /** The requests that were lost since the last call. */
  takeLost(): LostRequest[] {
    return this.#lost.splice(0);
  }

  /** Ends when every request has been answered or lost. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
    await this.#pool.destroy();
  }

  async #ask({ service, url }: Target): Promise<void> {
    const { host, pathname, search } = new URL(url);
    const begunAt = this.#clock();
    this.sent++;
    for (;;) {
      const sentAt = this.#clock();
      try {
        const answer = await this.#pool.request({
          path: pathname + search,
          method: 'GET',
          headers: { host },
          signal: AbortSignal.timeout(LONGEST_MS),
        });
        const body = await answer.body.text();
        if (answer.statusCode !== 200) this.#lose(service, sentAt, answer.statusCode, body.trim());
        return;
      } catch (error) {
        const isRefused = isNodeError(error, ...NOT_CONNECTED);
        if (!isRefused || this.#clock() - begunAt > LONGEST_MS) {
          return this.#lose(service, sentAt, isTimeout(error) ? 'silent' : 'cut', String(error));
        }
        this.refused++;
        await sleep(RECONNECT_MS);
      }
    }
  }

  #lose(service: string, sentAt: number, status: LostRequest['status'], said: string): void {
    const error = `${status} ${said}`.slice(0, 200);
    this.#lost.push({ service, sentAt, failedAt: this.#clock(), status, error });
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.name === 'TimeoutError';
}
