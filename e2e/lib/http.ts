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

export interface VisitorOptions {
  connections?: number;
  /** Milliseconds after which it closes a connection that it does not use; unset, the gateway says when. */
  idleMs?: number;
}

/** A client of the gateway that names the service in the Host header, as a browser behind DNS would. */
export class Visitor {
  readonly #pool: Pool;

  constructor({ host, port }: Address, { connections = 64, idleMs }: VisitorOptions = {}) {
    const idle = idleMs === undefined ? {} : { keepAliveTimeout: idleMs, keepAliveMaxTimeout: idleMs };
    const options = { connections, headersTimeout: 0, bodyTimeout: 0, ...idle };
    this.#pool = new Pool(`http://${host}:${port}`, options);
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
