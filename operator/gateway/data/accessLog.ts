import type { ErrorCause } from '../shared/stats.ts';
import { Batches } from './batches.ts';
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

/** The request, its response, and their sizes. */
export interface Exchanged {
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
}

/** A request that has ended, for its line. */
export interface AccessRecord extends Exchanged {
  latencyMs: number;
  queuedMs?: number;
  /** Until the first byte of the response. */
  upstreamMs?: number;
  /** `namespace/name`. */
  revision?: string;
  instance?: { readonly pod: string; readonly host: string };
  error?: ErrorCause;
}

/** The access log of one thread. Its lines go to the control thread, which writes them. */
export class AccessLog {
  readonly #batches: Batches;
  readonly #dropped: () => void;

  /**
   * @param send hands a batch over; {@link written} follows. No chunk is longer than a pipe takes as a whole, unless its one
   *   line is.
   * @param dropped called for each line that is dropped.
   */
  constructor(send: (chunks: string[]) => void, dropped: () => void) {
    this.#batches = new Batches({
      flushMs: FLUSH_MS,
      flushBytes: Number.POSITIVE_INFINITY,
      maxWaitingBytes: MAX_WAITING_BYTES,
      chunkBytes: CHUNK_BYTES,
      send,
    });
    this.#dropped = dropped;
  }

  request(record: AccessRecord): void {
    if (!this.#batches.add(accessLine(record, new Date()))) this.#dropped();
  }

  /** The last batch was written. */
  written(): void {
    this.#batches.taken();
  }

  /** Hands all lines over, whether the batch before was written or not. */
  flush(): void {
    this.#batches.flush();
  }
}

/**
 * One line, with the fields that Cloud Logging knows in structured logs: `httpRequest` (LogEntry, HttpRequest), `severity`,
 * `time` and those of the trace.
 */
export function accessLine(record: AccessRecord, time: Date): string {
  const { head, status, revision, instance, error } = record;
  const { headers } = head;
  const trace = head.span ?? traceOf(head);
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
