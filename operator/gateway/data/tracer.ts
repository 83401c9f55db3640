import { Batches } from './batches.ts';
import type { RequestHead } from './headers.ts';
import { requestSpans, type TracedRequest } from './spans.ts';
import { completeTrace, newSpanId, parseCloudTrace, traceOf } from './trace.ts';

/** How long spans are gathered before they are handed over, unless there are many. */
const FLUSH_MS = 1000;
const FLUSH_BYTES = 128 * 1024;
/** Spans that wait for the control thread to take those before them; beyond this size they are dropped. */
const MAX_WAITING_BYTES = 512 * 1024;
const CHUNK_BYTES = 64 * 1024;
/** For requests that no instance got: Cloud Run's rate of sampling belongs to an instance. */
const NO_INSTANCE = { sampledAt: Number.POSITIVE_INFINITY };

export interface TracingOptions {
  /** Share of the requests without a trace context that are traced, besides those that Cloud Run would sample; 0 to 1. */
  samplingRatio: number;
}

/**
 * Traces the requests of one thread: those whose context says that they are sampled (W3C Trace Context, 3.2.2.5.1), and of those
 * without a context the ones that are sampled here. Their spans go to the control thread, which exports them.
 */
export class Tracer {
  readonly #ratio: number;
  readonly #batches: Batches;
  readonly #dropped: (spans: number) => void;

  /**
   * @param send hands spans over, in JSON with a comma behind each; {@link taken} follows.
   * @param dropped called with how many spans are dropped.
   */
  constructor(
    { samplingRatio }: TracingOptions,
    send: (chunks: string[], count: number) => void,
    dropped: (spans: number) => void,
  ) {
    this.#ratio = samplingRatio;
    this.#dropped = dropped;
    this.#batches = new Batches({
      flushMs: FLUSH_MS,
      flushBytes: FLUSH_BYTES,
      maxWaitingBytes: MAX_WAITING_BYTES,
      chunkBytes: CHUNK_BYTES,
      send,
    });
  }

  /**
   * A request goes to an instance: completes its headers ({@link completeTrace}) and decides whether it is traced. If it is,
   * the instance gets the gateway's span as the parent of its own (W3C Trace Context, 3.4).
   * @param at when it arrived, on `clock()`.
   */
  admitted(head: RequestHead, instance: { sampledAt: number }, at: number): void {
    if (head.span !== undefined) return;
    const begins = head.traceparent === undefined && head.cloudTrace === undefined;
    completeTrace(head, instance, at, this.#ratio);
    const context = traceOf(head);
    if (!context?.sampled) {
      head.span = null;
      return;
    }
    const span = begins
      ? { ...context, parentId: undefined, upstreamId: newSpanId() }
      : { ...context, parentId: context.spanId, spanId: newSpanId(), upstreamId: newSpanId() };
    head.span = span;
    setParent(head, span.traceId, span.upstreamId);
  }

  /** Whether a request is traced, which is decided now if it was not admitted. */
  isTraced(head: RequestHead, at: number): boolean {
    this.admitted(head, NO_INSTANCE, at);
    return head.span !== null;
  }

  /** A request that is traced has ended. */
  ended(request: TracedRequest): void {
    const spans = requestSpans(request);
    let text = '';
    for (const span of spans) text += `${JSON.stringify(span)},`;
    if (!this.#batches.add(text, spans.length)) this.#dropped(spans.length);
  }

  /** The last batch was taken. */
  taken(): void {
    this.#batches.taken();
  }

  /** Hands all spans over, whether the batch before was taken or not. */
  flush(): void {
    this.#batches.flush();
  }
}

/** Makes a span the parent in the headers of a request. One that names another trace stays as it is. */
function setParent(head: RequestHead, traceId: string, spanId: string): void {
  const { traceparent = '', cloudTrace = '', headers } = head;
  // Whatever the version, its first fields are those of version 00 (W3C Trace Context, 4.3).
  head.traceparent = `00-${traceId}-${spanId}${traceparent.slice(52, 55)}`;
  setField(headers, 'traceparent', head.traceparent);
  if (parseCloudTrace(cloudTrace)?.traceId !== traceId) return;
  head.cloudTrace = `${traceId}/${BigInt(`0x${spanId}`)};o=1`;
  setField(headers, 'x-cloud-trace-context', head.cloudTrace);
}

function setField(headers: string[], name: string, value: string): void {
  for (let i = 0; i < headers.length; i += 2) {
    const candidate = headers[i] as string;
    if (candidate.length === name.length && candidate.toLowerCase() === name) headers[i + 1] = value;
  }
}
