import { unixTimeOffset } from '../shared/clock.ts';
import {
  attributes,
  CLIENT,
  cut,
  ERROR,
  HAS_IS_REMOTE,
  INTERNAL,
  IS_REMOTE,
  SAMPLED,
  SERVER,
  type Span,
} from '../shared/otlp.ts';
import type { ErrorCause, Stages } from '../shared/stats.ts';
import type { Exchanged } from './accessLog.ts';
import { headerValue } from './headers.ts';
import { newSpanId } from './trace.ts';
import type { RequestSpan } from './traceContext.ts';

/** A shorter wait is none: the request was admitted or rejected at once. */
const NOTABLE_MS = 1;
/** Methods that name spans (Semantic Conventions for HTTP spans, Name); any other is `HTTP`. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']);

/** A traced request that has ended. Times are on `clock()`. */
export interface TracedRequest extends Exchanged {
  stages: Stages;
  endedAt: number;
  /** When its revision had an instance. */
  readyAt: number;
  /** `namespace/name`. */
  revision: string;
  instance: { readonly pod: string; readonly host: string; readonly port: number } | undefined;
  error: ErrorCause | undefined;
}

/**
 * The spans of a request: of the gateway, which is the server; and as its children of the wait for a start from zero, of the
 * wait in the queue, and of the way to the instance until the end of its response.
 */
export function requestSpans(request: TracedRequest): Span[] {
  const { stages, endedAt, instance, readyAt, head } = request;
  const span = head.span as RequestSpan;
  const moment = moments();
  const child = (name: string, kind: number, from: number, to: number): Span => ({
    traceId: span.traceId,
    spanId: newSpanId(),
    parentSpanId: span.spanId,
    flags: SAMPLED | HAS_IS_REMOTE,
    name,
    kind,
    startTimeUnixNano: moment(from),
    endTimeUnixNano: moment(to),
    attributes: [],
  });
  const spans = [serverSpan(request, span, moment)];
  const admittedAt = stages.arrivedAt + stages.queuedMs;
  const started = Math.min(Math.max(readyAt, stages.arrivedAt), admittedAt);
  const wait = (name: string, from: number, to: number): void => {
    if (to - from > NOTABLE_MS) spans.push(child(name, INTERNAL, from, to));
  };
  wait('cold start', stages.arrivedAt, started);
  wait('queue', started, admittedAt);
  if (!instance) return spans;
  spans.push({
    ...child('upstream', CLIENT, admittedAt, endedAt),
    spanId: span.upstreamId,
    attributes: attributes({
      'http.request.method': request.method,
      'http.response.status_code': stages.answeredAt > 0 ? request.status : undefined,
      'server.address': instance.host,
      'server.port': instance.port,
      'k8s.pod.name': instance.pod,
      'error.type': request.error,
    }),
    events:
      stages.answeredAt > 0 ? [{ timeUnixNano: moment(stages.answeredAt), name: 'first byte' }] : undefined,
    status: statusOf(request),
  });
  return spans;
}

function serverSpan(request: TracedRequest, span: RequestSpan, moment: (at: number) => string): Span {
  const { method, target, protocol, status, stages, endedAt, head, error } = request;
  const { traceId, spanId, parentId } = span;
  const [namespace = '', revision = ''] = request.revision.split('/');
  const { headers } = head;
  return {
    traceId,
    spanId,
    parentSpanId: parentId,
    traceState: cut(headerValue(headers, 'tracestate')),
    flags: SAMPLED | HAS_IS_REMOTE | (parentId === undefined ? 0 : IS_REMOTE),
    name: METHODS.has(method) ? method : 'HTTP',
    kind: SERVER,
    startTimeUnixNano: moment(stages.arrivedAt),
    endTimeUnixNano: moment(endedAt),
    attributes: attributes({
      'http.request.method': method,
      // Without the query, which may hold secrets.
      'url.path': target.split('?', 1)[0],
      'url.scheme': headerValue(headers, 'x-forwarded-proto'),
      'server.address': head.host,
      'client.address': head.peer.address,
      'user_agent.original': headerValue(headers, 'user-agent'),
      'network.protocol.version': protocol.slice('HTTP/'.length),
      'http.response.status_code': status || undefined,
      'error.type': error,
      'k8s.namespace.name': namespace,
      'homerun.revision': revision,
    }),
    status: statusOf(request),
  };
}

/** An error is what the gateway could not do; a 4xx is the client's (Semantic Conventions for HTTP spans, Status). */
function statusOf({ status, error }: TracedRequest): Span['status'] {
  if (status < 500 && error !== 'response_broken') return undefined;
  return error === undefined ? { code: ERROR } : { code: ERROR, message: error };
}

/** Moments on `clock()` as Unix time in ns, exact to the microsecond. All of one request are counted from the same offset. */
function moments(): (at: number) => string {
  const offset = unixTimeOffset();
  return (at) => `${Math.round((at + offset) * 1000)}000`;
}
