import type { Downstream } from '../downstream/downstream.ts';
import type { FlatHeaders } from '../headers.ts';
import type { ResponseHead } from '../responseHead.ts';

/** A request for an instance, and the events of its response. */
export interface UpstreamEvents {
  readonly downstream: Downstream;
  /** The request is on its way to the program. */
  sent(): void;
  /** An interim response (1xx). */
  information(status: number, headers: FlatHeaders): void;
  /** The response begins. */
  responseStart(status: number, reason: string, head: ResponseHead): void;
  /** False when the instance should pause: {@link UpstreamCall.resume} follows. */
  responseData(chunk: Buffer): boolean;
  responseEnd(trailers: FlatHeaders | undefined): void;
  /**
   * The instance or the way to it failed.
   * @param begun whether the program may have got a byte of the request.
   * @param repeatable whether the request may be sent again all the same: it is idempotent, has no body, and met a
   *   connection that the instance may have been closing as idle (RFC 9110, 9.2.2).
   */
  upstreamFailed(error: Error, begun: boolean, repeatable: boolean): void;
}

/** A request in flight to an instance, as the exchange controls it. */
export interface UpstreamCall {
  /** The client can take more of the response. */
  resume(): void;
  /** Cancels the request: the instance sees a closed connection or a reset stream. */
  cancel(): void;
}

/** The connections to one instance, the same for HTTP/1.1 and HTTP/2. */
export interface Upstream {
  /** @param fresh whether to use a new connection even if one is idle. */
  send(events: UpstreamEvents, fresh: boolean): UpstreamCall;
  /** Closes what is idle; the last request has ended. */
  close(): void;
}

const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/** Whether a request may be sent a second time although the first may have arrived (RFC 9110, 9.2.2). */
export function isRepeatable({ method, hasBody }: Downstream): boolean {
  return !hasBody && IDEMPOTENT.has(method);
}
