import type { Dispatcher } from 'undici';
import request from 'undici/lib/api/api-request.js';
import Agent from 'undici/lib/dispatcher/agent.js';
import { sleep } from '../kube/clock.ts';
import type { Logger } from '../telemetry/log.ts';

/** The longest time of one attempt. */
const TIMEOUT_MS = 10_000;
const MOST_ATTEMPTS = 5;
/** Before the second attempt; doubled before each other, unless the receiver says when. */
const RETRY_MS = 1000;
const MOST_RETRY_SECONDS = 30;
/** Spans that wait to be sent; beyond this size new ones are dropped. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;
/** Batches are sent together up to this size. */
const MAX_BODY_BYTES = 1024 * 1024;
/** More of an answer is not read. */
const MAX_ANSWER_BYTES = 64 * 1024;
/** Of the answer of a receiver, in the log. */
const MAX_MESSAGE = 200;
/** Answers after which the same spans may be sent again (OTLP/HTTP, Failures). */
const RETRYABLE = new Set([429, 502, 503, 504]);

/** Why spans were dropped. */
export type SpanDrop =
  /** No room was left, here or in the thread that made them. */
  | 'buffer'
  /** The receiver does not take them. */
  | 'rejected'
  /** The receiver gave no answer, or asked for another attempt too often. */
  | 'unavailable';

export interface SpanExporterOptions {
  /** The URL of an OTLP/HTTP receiver; without a path `/v1/traces` is meant. */
  endpoint: string;
  /** What makes the spans, as their instrumentation scope: `homerun.gateway`. */
  scope: string;
  /** Attributes of the process that it is part of. */
  resource: Record<string, string>;
  log: Logger;
  retryMs?: number;
  timeoutMs?: number;
}

interface Batch {
  chunks: string[];
  bytes: number;
  count: number;
}

/**
 * Sends the spans of a process, of all its threads, to a receiver over OTLP/HTTP in JSON, one request at a time (OpenTelemetry Protocol
 * Specification, OTLP/HTTP). A receiver that is slow or down costs a bounded amount of memory, and spans.
 */
export class SpanExporter {
  exported = 0;
  readonly dropped = new Map<SpanDrop, number>();
  readonly #options: Required<SpanExporterOptions>;
  readonly #url: URL;
  readonly #prefix: string;
  readonly #agent = new Agent({ connections: 1, pipelining: 1 });
  readonly #end = new AbortController();
  readonly #kill = new AbortController();
  #waiting: Batch[] = [];
  #bytes = 0;
  #sending: Promise<void> | undefined;
  #failing = false;

  constructor(options: SpanExporterOptions) {
    this.#options = { retryMs: RETRY_MS, timeoutMs: TIMEOUT_MS, ...options };
    this.#url = new URL(options.endpoint);
    if (this.#url.pathname === '/') this.#url.pathname = '/v1/traces';
    const attributes = Object.entries(options.resource).map(([key, stringValue]) => ({
      key,
      value: { stringValue },
    }));
    const [resource, scope] = [{ attributes }, { name: options.scope }].map((part) => JSON.stringify(part));
    this.#prefix = `{"resourceSpans":[{"resource":${resource},"scopeSpans":[{"scope":${scope},"spans":[`;
  }

  /** Takes spans in JSON, each with a comma behind it. */
  add(chunks: string[], count: number): void {
    let bytes = 0;
    for (const chunk of chunks) bytes += chunk.length;
    if (this.#bytes + bytes > MAX_WAITING_BYTES || this.#end.signal.aborted) {
      this.#drop('buffer', count);
      return;
    }
    this.#bytes += bytes;
    this.#waiting.push({ chunks, bytes, count });
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
    });
  }

  /** Sends what waits, without another attempt at what fails; ends after `limitMs` at the latest. */
  async end(limitMs: number): Promise<void> {
    this.#end.abort();
    const limit = setTimeout(() => this.#kill.abort(), limitMs);
    await this.#sending;
    clearTimeout(limit);
    await this.#agent.destroy();
  }

  async #sendAll(): Promise<void> {
    for (let batch = this.#next(); batch; batch = this.#next()) {
      await this.#deliver(batch);
      this.#bytes -= batch.bytes;
    }
  }

  /** As many of the waiting batches as one request takes. */
  #next(): Batch | undefined {
    const [first] = this.#waiting;
    if (!first) return undefined;
    const batch: Batch = { chunks: [], bytes: 0, count: 0 };
    let taken = 0;
    for (const { chunks, bytes, count } of this.#waiting) {
      if (taken > 0 && batch.bytes + bytes > MAX_BODY_BYTES) break;
      batch.chunks.push(...chunks);
      batch.bytes += bytes;
      batch.count += count;
      taken++;
    }
    this.#waiting = this.#waiting.slice(taken);
    return batch;
  }

  async #deliver({ chunks, count }: Batch): Promise<void> {
    const body = `${this.#prefix}${chunks.join('').slice(0, -1)}]}]}]}`;
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#post(body);
      if (answer.taken) {
        const rejected = Math.min(answer.rejected, count);
        this.exported += count - rejected;
        if (rejected > 0) this.#drop('rejected', rejected);
        this.#report(rejected > 0 ? answer.message : undefined);
        return;
      }
      this.#report(answer.message);
      if (!answer.retryable || attempt === MOST_ATTEMPTS || this.#end.signal.aborted) {
        this.#drop(answer.retryable ? 'unavailable' : 'rejected', count);
        return;
      }
      const delayMs = answer.retryAfterMs ?? this.#options.retryMs * 2 ** (attempt - 1);
      // Processes that failed together do not come back together.
      await sleep(delayMs * (0.5 + Math.random()), this.#end.signal);
    }
  }

  async #post(body: string): Promise<Answer> {
    const { origin, pathname, search } = this.#url;
    const signal = AbortSignal.any([AbortSignal.timeout(this.#options.timeoutMs), this.#kill.signal]);
    try {
      const response = await request.call(this.#agent, {
        origin,
        path: pathname + search,
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
        signal,
      });
      // The status alone decides, however its body ends.
      return answerOf(response, await readText(response).catch(() => ''));
    } catch (error) {
      return { taken: false, retryable: true, message: messageOf(error) };
    }
  }

  #drop(why: SpanDrop, count: number): void {
    this.dropped.set(why, (this.dropped.get(why) ?? 0) + count);
  }

  /** Logs when spans begin to be lost or late, and when they are taken again. */
  #report(failure: string | undefined): void {
    if (this.#failing === (failure !== undefined)) return;
    this.#failing = !this.#failing;
    const { log } = this.#options;
    // Some receivers have a key in the query.
    const endpoint = this.#url.origin + this.#url.pathname;
    if (failure === undefined) log.info({ endpoint }, 'spans are exported again');
    else log.warn({ endpoint, reason: failure.slice(0, MAX_MESSAGE) }, 'spans cannot be exported');
  }
}

type Answer =
  | { taken: true; rejected: number; message: string }
  | { taken: false; retryable: boolean; retryAfterMs?: number | undefined; message: string };

/** What an answer says: any 2xx takes the spans but for those that it counts as rejected (OTLP/HTTP, Partial Success). */
function answerOf({ statusCode, headers }: Dispatcher.ResponseData, text: string): Answer {
  if (statusCode >= 200 && statusCode < 300) return { taken: true, ...partialSuccess(text) };
  const retryable = RETRYABLE.has(statusCode);
  const seconds = Number(headers['retry-after']);
  const retryAfterMs = seconds > 0 ? Math.min(seconds, MOST_RETRY_SECONDS) * 1000 : undefined;
  return {
    taken: false,
    retryable,
    retryAfterMs,
    message: `the receiver answered with ${statusCode}: ${text}`,
  };
}

function partialSuccess(text: string): { rejected: number; message: string } {
  try {
    const { rejectedSpans, errorMessage } = JSON.parse(text).partialSuccess ?? {};
    const rejected = Number(rejectedSpans);
    return {
      rejected: rejected > 0 ? Math.floor(rejected) : 0,
      message: `the receiver rejected spans: ${String(errorMessage ?? '')}`,
    };
  } catch {
    // It need not be JSON, nor anything.
    return { rejected: 0, message: '' };
  }
}

async function readText({ body }: Dispatcher.ResponseData): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of body) {
    parts.push(part as Buffer);
    size += (part as Buffer).length;
    if (size >= MAX_ANSWER_BYTES) break;
  }
  return Buffer.concat(parts).toString();
}

function messageOf(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string };
  return [code, message].filter(Boolean).join(': ') || String(error);
}
