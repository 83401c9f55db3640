import type { ErrorCause } from '../shared/stats.ts';
import { headerValue, type RequestHead } from './headers.ts';
import { traceOf } from './trace.ts';

/** Lines are written together after this time at the latest. */
const FLUSH_MS = 100;
/** Lines that wait for the control thread to write those before them; beyond this size they are dropped. */
const MAX_WAITING_BYTES = 512 * 1024;
/** A pipe takes so many bytes as a whole, whoever else writes to it (PIPE_BUF of Linux). */
const CHUNK_BYTES = 4096;
// Longer values are cut, so that a line is hardly ever longer than a chunk.
const MAX_URL = 2048;
const MAX_VALUE = 512;

/** A request that has ended, for its line. */
export interface AccessRecord {
  method: string;
  /** The request target as received. */
  target: string;
  protocol: string;
  head: RequestHead;
  /** Of the response; 0 when there was none. */
  status: number;
  /** Of the body, as far as it was forwarded. */
  requestBytes: number;
  /** Headers and body as far as they were written. */
  responseBytes: number;
  latencyMs: number;
  queuedMs?: number;
  /** Until the first byte of the response. */
  upstreamMs?: number;
  /** `namespace/name`. */
  revision?: string;
  instance?: { readonly pod: string; readonly host: string };
  error?: ErrorCause;
}

/**
 * The access log of one thread. Its lines go to the control thread in batches, one at a time, so that a standard output
 * that is not read takes a bounded amount of memory and delays no request.
 */
export class AccessLog {
  readonly #send: (chunks: string[]) => void;
  readonly #dropped: () => void;
  #chunks: string[] = [];
  #last = 0;
  #bytes = 0;
  #sending = false;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param send hands a batch over; {@link written} follows. No chunk is longer than a pipe takes as a whole, unless its one
   *   line is.
   * @param dropped called for each line that is dropped.
   */
  constructor(send: (chunks: string[]) => void, dropped: () => void) {
    this.#send = send;
    this.#dropped = dropped;
  }

  request(record: AccessRecord): void {
    const line = accessLine(record, new Date());
    const bytes = Buffer.byteLength(line);
    if (this.#bytes + bytes > MAX_WAITING_BYTES) {
      this.#dropped();
      return;
    }
    this.#bytes += bytes;
    if (this.#last === 0 || this.#last + bytes > CHUNK_BYTES) {
      this.#chunks.push(line);
      this.#last = bytes;
    } else {
      this.#chunks[this.#chunks.length - 1] += line;
      this.#last += bytes;
    }
    this.#timer ??= setTimeout(() => this.#flushNext(), FLUSH_MS).unref();
  }

  /** The last batch was written. */
  written(): void {
    this.#sending = false;
    if (this.#timer === undefined && this.#bytes > 0) this.flush();
  }

  /** Hands all lines over, whether the batch before was written or not. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#bytes === 0) return;
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#last = 0;
    this.#bytes = 0;
    this.#sending = true;
    this.#send(chunks);
  }

  #flushNext(): void {
    this.#timer = undefined;
    if (!this.#sending) this.flush();
  }
}

/**
 * One line, with the fields that Cloud Logging knows in structured logs: `httpRequest` (LogEntry, HttpRequest), `severity`,
 * `time` and those of the trace.
 */
export function accessLine(record: AccessRecord, time: Date): string {
  const { head, status, revision, instance, error } = record;
  const { headers } = head;
  const trace = traceOf(head);
  const [namespace, name] = revision?.split('/') ?? [];
  const scheme = headerValue(headers, 'x-forwarded-proto') ?? 'http';
  const entry = {
    time: time.toISOString(),
    severity: status >= 500 ? 'ERROR' : status >= 400 ? 'WARNING' : 'INFO',
    httpRequest: {
      requestMethod: record.method,
      requestUrl: cut(`${scheme}://${head.host ?? ''}${record.target}`, MAX_URL),
      requestSize: String(head.bytes + record.requestBytes),
      status: status || undefined,
      responseSize: String(record.responseBytes),
      userAgent: cut(headerValue(headers, 'user-agent'), MAX_VALUE),
      remoteIp: head.peer.address,
      serverIp: instance?.host,
      referer: cut(headerValue(headers, 'referer'), MAX_VALUE),
      latency: seconds(record.latencyMs),
      protocol: record.protocol,
    },
    'logging.googleapis.com/trace': trace?.traceId,
    'logging.googleapis.com/spanId': trace?.spanId,
    'logging.googleapis.com/trace_sampled': trace?.sampled,
    namespace,
    revision: name,
    instance: instance?.pod,
    error,
    queue: record.queuedMs ? seconds(record.queuedMs) : undefined,
    upstream: record.upstreamMs ? seconds(record.upstreamMs) : undefined,
    forwardedFor: cut(head.forwardedFor, MAX_VALUE),
  };
  return `${JSON.stringify(entry)}\n`;
}

/** A Duration in JSON. */
function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(6)}s`;
}

function cut(value: string | undefined, length: number): string | undefined {
  return value !== undefined && value.length > length ? value.slice(0, length) : value;
}

/** Size of headers as they are counted: names and values. */
export function headerBytes(headers: readonly string[] = []): number {
  let bytes = 0;
  for (const text of headers) bytes += text.length;
  return bytes;
}
