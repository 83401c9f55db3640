import type { Downstream } from '../downstream/downstream.ts';
import type { FlatHeaders } from '../headers.ts';

/** What an instance tells an exchange of its request, and the request that it is told of. */
export interface UpstreamEvents {
  readonly downstream: Downstream;
  /** The request is on its way to the program. */
  sent(): void;
  /** An informational answer (1xx). */
  information(status: number, headers: FlatHeaders): void;
  /**
   * The answer begins.
   * @param contentLength -1 when it is not known; 0 also for an answer that has nothing but these headers.
   */
  responseStart(status: number, reason: string, headers: FlatHeaders, contentLength: number): void;
  /** False when the instance should pause: {@link UpstreamCall.resume} follows. */
  responseData(chunk: Buffer): boolean;
  responseEnd(trailers: FlatHeaders | undefined): void;
  /**
   * The instance or the way to it failed.
   * @param begun whether the program may have got a byte of the request.
   */
  upstreamFailed(error: Error, begun: boolean): void;
}

/** A request under way in an instance, as the exchange steers it. */
export interface UpstreamCall {
  /** The client can take more of the response. */
  resume(): void;
  /** The request is given up: the instance is told so by a closed connection or a reset stream. */
  cancel(): void;
}

/** The connections to one instance, the same for HTTP/1.1 and HTTP/2. */
export interface Upstream {
  send(events: UpstreamEvents): UpstreamCall;
  /** Closes what is idle; the last request has ended. */
  close(): void;
}
