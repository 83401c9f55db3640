import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import request from 'undici/lib/api/api-request.js';
import { clientDuration, clientRequests } from '../telemetry/metrics.ts';
import { aborted, sleep } from './clock.ts';
import type { Connection } from './connection.ts';
import { isGatewayError, isKubeError, KubeError, type StatusBody, statusError } from './errors.ts';
import { type Answer, exchange } from './exchange.ts';
import { joined } from './parts.ts';

/** How long one request may take and who may end it. */
export interface CallOptions {
  signal?: AbortSignal;
  /** The longest silence before and within the answer; 30 s when left out. */
  timeoutMs?: number;
}

export type Query = Record<string, string | number | boolean | undefined>;

export interface RequestOptions extends CallOptions {
  query?: Query;
  /** Sent as JSON. */
  body?: unknown;
  contentType?: string;
  /** Media type of the answer; JSON of any kind. */
  accept?: string;
  /** Name of the request in metrics; the method when left out. */
  verb?: string;
  /**
   * Reads the text of an answer instead of JSON.parse, and keeps nothing of its buffer; throws SyntaxError for what is no
   * JSON.
   */
  read?: (text: Buffer) => unknown;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** What an answer says before its body. */
type Head = Pick<Answer, 'statusCode' | 'headers'>;

const REQUEST_TIMEOUT_MS = 30_000;
const SHED_TRIES = 4;
const SHED_LONGEST_WAIT_SECONDS = 5;
/** So long without an answer, in ms, and a server was away: retries have slowed down by then. */
const AWAY_MS = 3_000;

/** HTTP requests on a connection, with failures as {@link KubeError} and a count of each. */
export class Transport {
  readonly #connection: Connection;
  readonly #onReturn: (() => void)[] = [];
  #answeredAt = performance.now();
  /** A request has had no answer since. */
  #failed = false;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Calls back whenever the server answers again that did not for some seconds. */
  onReturn(callback: () => void): void {
    this.#onReturn.push(callback);
  }

  /** A request that takes and gives JSON. A server that sheds load is asked again when it says. */
  async json<R>(method: Method, path: string, options: RequestOptions = {}): Promise<R> {
    const title = `${method} ${path}`;
    for (let left = SHED_TRIES; ; left--) {
      try {
        const answer = await this.#send(method, path, options, exchange);
        if (answer.statusCode >= 300) throw refusal(answer, title, await textOf(answer));
        return (await readJson(answer, title, options.read)) as R;
      } catch (error) {
        if (left <= 1 || !isShed(error)) throw error;
        const seconds = Math.min(error.retryAfterSeconds ?? 1, SHED_LONGEST_WAIT_SECONDS);
        const signal = options.signal ?? new AbortController().signal;
        await sleep(seconds * 1000 * (1 + Math.random() / 4), signal);
        signal.throwIfAborted();
      }
    }
  }

  /** The bytes of an answer, read no faster than they are taken; whoever stops taking them ends the request. */
  async *stream(
    path: string,
    options: RequestOptions & { signal: AbortSignal; bodyTimeoutMs: number },
  ): AsyncGenerator<Buffer, void, undefined> {
    const stop = new AbortController();
    const signal = AbortSignal.any([options.signal, stop.signal]);
    const title = `GET ${path}`;
    try {
      const answer = await this.#send('GET', path, { ...options, signal }, streamed);
      if (answer.statusCode >= 300) {
        throw refusal(answer, title, await answer.body.text().catch(() => ''));
      }
      yield* parts(answer.body, title);
    } finally {
      // Also of a request that failed: what listens to a signal of several lives until one of these aborts.
      stop.abort();
    }
  }

  /** @param send how the answer is wanted, whatever it says. */
  async #send<A extends Head>(
    method: Method,
    path: string,
    options: RequestOptions & { bodyTimeoutMs?: number },
    send: (dispatcher: Dispatcher, options: Dispatcher.DispatchOptions, signal?: AbortSignal) => Promise<A>,
  ): Promise<A> {
    const { server } = this.#connection;
    const { verb = method.toLowerCase(), timeoutMs = REQUEST_TIMEOUT_MS, signal } = options;
    const stopTimer = clientDuration.startTimer({ verb });
    const hasBody = options.body !== undefined;
    let answer: A;
    try {
      const { origin, pathname } = new URL(server);
      // Asked first: renewed credentials may come with another dispatcher.
      const credentials = await this.#connection.headers();
      const sent: Dispatcher.DispatchOptions = {
        origin,
        path: `${pathname === '/' ? '' : pathname}${path}${queryString(options.query)}`,
        method,
        headers: {
          accept: options.accept ?? 'application/json',
          'user-agent': 'homerun',
          ...(hasBody && { 'content-type': options.contentType ?? 'application/json' }),
          ...credentials,
        },
        body: hasBody ? JSON.stringify(options.body) : undefined,
        headersTimeout: timeoutMs,
        bodyTimeout: options.bodyTimeoutMs ?? timeoutMs,
      };
      answer = await send(this.#connection.dispatcher, sent, signal);
    } catch (cause) {
      if (signal?.aborted) throw signal.reason;
      clientRequests.inc({ verb, code: 0 });
      this.#failed = true;
      throw unreachable(`${method} ${path}`, cause);
    } finally {
      stopTimer();
    }
    clientRequests.inc({ verb, code: answer.statusCode });
    this.#answered(answer.statusCode);
    for (const warning of [answer.headers.warning ?? []].flat()) this.#connection.warn?.(warning);
    return answer;
  }

  #answered(status: number): void {
    if (isGatewayError(status)) {
      this.#failed = true;
      return;
    }
    const now = performance.now();
    const wasAway = this.#failed && now - this.#answeredAt >= AWAY_MS;
    this.#answeredAt = now;
    this.#failed = false;
    if (wasAway) for (const notify of this.#onReturn) notify();
  }
}

function queryString(query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) parameters.set(name, String(value));
  }
  return parameters.size === 0 ? '' : `?${parameters}`;
}

/** An answer whose body is read as it comes. */
function streamed(
  dispatcher: Dispatcher,
  options: Dispatcher.DispatchOptions,
  signal: AbortSignal = new AbortController().signal,
): Promise<Dispatcher.ResponseData> {
  const stopped = aborted(signal).then(() => Promise.reject(signal.reason));
  // It may wait for a connection for seconds, in which undici does not stop it.
  return Promise.race([request.call(dispatcher, { ...options, signal }), stopped]);
}

/** @throws {KubeError} KUBE_UNREACHABLE where the body breaks off. */
async function* parts(body: Readable & AsyncIterable<Buffer>, title: string): AsyncGenerator<Buffer> {
  try {
    yield* body;
  } catch (cause) {
    throw unreachable(title, cause);
  }
}

/** What a refusal says; nothing where it breaks off. */
async function textOf({ body }: Answer): Promise<string> {
  return joined(await body.catch(() => [])).toString();
}

const parsed = (text: Buffer): unknown => JSON.parse(text.toString());

async function readJson(
  { body, statusCode }: Answer,
  title: string,
  read: RequestOptions['read'] = parsed,
): Promise<unknown> {
  let text: Buffer;
  try {
    text = joined(await body);
  } catch (cause) {
    throw unreachable(title, cause);
  }
  if (text.length === 0) return undefined;
  try {
    return read(text);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new KubeError(`${title}: the answer is not JSON: ${text.toString().slice(0, 200)}`, {
      code: 'KUBE_SERVER',
      status: statusCode,
      cause,
    });
  }
}

function refusal({ statusCode, headers }: Head, title: string, text: string): KubeError {
  const retryAfter = Number(headers['retry-after']);
  let body: StatusBody;
  try {
    body = JSON.parse(text) as StatusBody;
  } catch {
    body = { message: text.slice(0, 500).trim() };
  }
  return statusError(title, statusCode, body, Number.isFinite(retryAfter) ? retryAfter : undefined);
}

function unreachable(title: string, cause: unknown): KubeError {
  return new KubeError(`${title}: ${causeText(cause)}`, { code: 'KUBE_UNREACHABLE', cause });
}

function causeText(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  // Where each address of a name has failed there is a code alone.
  const { message, code, name }: NodeJS.ErrnoException = cause;
  return message || code || name;
}

/** The server sheds load and says when to come again (API priority and fairness). */
function isShed(error: unknown): error is KubeError {
  return isKubeError(error, 'KUBE_TOO_MANY_REQUESTS') && error.retryAfterSeconds !== undefined;
}
