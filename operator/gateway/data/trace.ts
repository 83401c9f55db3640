import type { RequestHead } from './headers.ts';
import type { TraceContext } from './traceContext.ts';

/** Of the requests without a context one is sampled in this time for each instance (Cloud Run, Trace sampling rate). */
export const SAMPLE_EVERY_MS = 10_000;

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const CLOUD_TRACE = /^([0-9a-f]{32})(?:\/(\d{1,20}))?(?:;o=(\d{1,10}))?$/i;
const NO_TRACE = '0'.repeat(32);
const NO_SPAN = '0'.repeat(16);
const MAX_SPAN = 0xffff_ffff_ffff_ffffn;

/** What a `traceparent` header says (W3C Trace Context, 3.2); undefined when it is not valid. */
export function parseTraceparent(value: string): TraceContext | undefined {
  const [, version, traceId, spanId, flags, more] = TRACEPARENT.exec(value) ?? [];
  if (!version || !traceId || !spanId || version === 'ff' || (version === '00' && more)) return undefined;
  if (traceId === NO_TRACE || spanId === NO_SPAN) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags as string, 16) & 1) === 1 };
}

/**
 * What an `X-Cloud-Trace-Context` header says (Cloud Trace, Trace context: `TRACE_ID/SPAN_ID;o=OPTIONS`, the span as a
 * decimal number); undefined when it is not valid. One without a span gets a new one, because `traceparent` needs it.
 */
export function parseCloudTrace(value: string): TraceContext | undefined {
  const [, trace, span = '0', options = '0'] = CLOUD_TRACE.exec(value) ?? [];
  const number = BigInt(span);
  if (!trace || Number(`0x${trace}`) === 0 || number > MAX_SPAN) return undefined;
  const spanId = number === 0n ? newSpanId() : number.toString(16).padStart(16, '0');
  return { traceId: trace.toLowerCase(), spanId, sampled: (Number(options) & 1) === 1 };
}

/** The context that a request's headers have; undefined when they have none or it is not valid. */
export function traceOf({ traceparent, cloudTrace }: RequestHead): TraceContext | undefined {
  if (traceparent !== undefined) return parseTraceparent(traceparent);
  return cloudTrace === undefined ? undefined : parseCloudTrace(cloudTrace);
}

/**
 * Gives a request both headers, as on Cloud Run, which populates `traceparent` for every request: what the client sent stays
 * as it is, the other header is derived from it, and a request without either begins a trace.
 * @param tracer which instance gets the request: its new traces are sampled every {@link SAMPLE_EVERY_MS}.
 * @param now on `clock()`, in ms.
 * @param ratio which share of the other new traces is sampled.
 */
export function completeTrace(
  head: RequestHead,
  tracer: { sampledAt: number },
  now: number,
  ratio = 0,
): void {
  const { traceparent, cloudTrace, headers } = head;
  if (traceparent === undefined && cloudTrace === undefined) {
    const sampled = now - tracer.sampledAt >= SAMPLE_EVERY_MS;
    if (sampled) tracer.sampledAt = now;
    beginTrace(head, sampled || (ratio > 0 && Math.random() < ratio) ? '1' : '0');
  } else if (cloudTrace === undefined) {
    const context = parseTraceparent(traceparent as string);
    if (!context) return;
    const { traceId, spanId, sampled } = context;
    head.cloudTrace = `${traceId}/${BigInt(`0x${spanId}`)};o=${sampled ? 1 : 0}`;
    headers.push('x-cloud-trace-context', head.cloudTrace);
  } else if (traceparent === undefined) {
    const context = parseCloudTrace(cloudTrace);
    if (!context) return;
    head.traceparent = `00-${context.traceId}-${context.spanId}-0${context.sampled ? 1 : 0}`;
    headers.push('traceparent', head.traceparent);
  }
}

/**
 * For every request of most services, so it is cheap: a trace ID has the thread's half and one of its own, and the span has
 * 31 bits, whose decimal form is an integer's.
 */
function beginTrace(head: RequestHead, sampled: '0' | '1'): void {
  const traceId = threadId + hex8(random32()) + hex8(random31());
  const span = random31();
  head.traceparent = `00-${traceId}-00000000${hex8(span)}-0${sampled}`;
  head.cloudTrace = `${traceId}/${span};o=${sampled}`;
  head.headers.push('traceparent', head.traceparent, 'x-cloud-trace-context', head.cloudTrace);
}

// An ID must be unlikely to occur twice, and need not be hard to guess; V8 seeds each thread from the system.

function random32(): number {
  return (Math.random() * 0x1_0000_0000) >>> 0;
}

/** An ID for a span: 16 hexadecimal digits. */
export function newSpanId(): string {
  return hex8(random31()) + hex8(random32());
}

/** 31 random bits of which one is set, since an ID must not be all zeros. */
function random31(): number {
  return (random32() >>> 1) | 1;
}

/** A number below 2^32 as 8 hexadecimal digits. */
function hex8(value: number): string {
  return (
    (HEX[value >>> 24] as string) +
    (HEX[(value >>> 16) & 0xff] as string) +
    (HEX[(value >>> 8) & 0xff] as string) +
    (HEX[value & 0xff] as string)
  );
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const threadId = hex8(random32()) + hex8(random32());
