/** The context of a request's trace, as both of its headers say it. */
export interface TraceContext {
  /** 32 hexadecimal digits. */
  traceId: string;
  /** 16 hexadecimal digits; in the headers of a request, the parent's span. */
  spanId: string;
  sampled: boolean;
}

/** The place of a request that is traced. */
export interface RequestSpan extends TraceContext {
  /** Of the client; undefined when the trace begins here. */
  parentId: string | undefined;
  /** Of the way to the instance: the parent of what the program records. */
  upstreamId: string;
}
