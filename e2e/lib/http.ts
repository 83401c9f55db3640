import { Pool } from 'undici';
import type { Address } from './cluster.ts';

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
  /** From sending the request to the end of the answer. */
  ms: number;
}

export interface AskOptions {
  method?: 'GET' | 'POST' | 'PUT' | 'HEAD' | 'DELETE';
  headers?: Record<string, string>;
  body?: string;
  timeoutMs?: number;
}

/**
 * After so long a visitor closes a connection that it does not use. A gateway that ends keeps one for some seconds, and what is
 * sent as it then closes it is lost, unless the client sends it again as HTTP clients do (RFC 9112, 9.3.1). A visitor does not,
 * so that each failure is the gateway's.
 */
const IDLE_MS = 1000;

/** A client of the gateway that names the service in the Host header, as a browser behind DNS would. */
export class Visitor {
  readonly #pool: Pool;

  constructor({ host, port }: Address, connections = 64) {
    this.#pool = new Pool(`http://${host}:${port}`, {
      connections,
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: IDLE_MS,
      keepAliveMaxTimeout: IDLE_MS,
    });
  }

  async ask(url: string, options: AskOptions = {}): Promise<Answer> {
    const { host, pathname, search } = new URL(url);
    const start = performance.now();
    const answer = await this.#pool.request({
      path: pathname + search,
      method: options.method ?? 'GET',
      headers: { ...options.headers, host },
      body: options.body,
      signal: AbortSignal.timeout(options.timeoutMs ?? 60_000),
    });
    const body = await answer.body.text();
    return { status: answer.statusCode, headers: answer.headers, body, ms: performance.now() - start };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.destroy();
  }
}
