import type { Readable } from 'node:stream';
import type { FlatHeaders, RequestHead } from '../headers.ts';

/** What an exchange tells a client of its fate, and what a client tells an exchange. */
export interface DownstreamEvents {
  /** The client took what was written and can take more. */
  drained(): void;
  /** The client's connection or stream is closed, after the answer or before. */
  gone(): void;
}

/** A client's request and the way back to it, the same for HTTP/1.1 and HTTP/2. */
export interface Downstream {
  readonly method: string;
  /** Path and query, as the client wrote them. */
  readonly path: string;
  readonly head: RequestHead;
  readonly hasBody: boolean;
  /** Bytes of the answer that wait in this process for the client. */
  readonly unsent: number;
  /** The request's body; not read before an instance takes it. */
  readonly body: Readable;
  /** Whom to tell of the client from now on. */
  attach(events: DownstreamEvents): void;
  /** The instance has the request, so a client that waits for `100 Continue` may send the body. */
  proceed(): void;
  /** An informational answer (1xx) of the instance. */
  information(status: number, headers: FlatHeaders): void;
  /**
   * The answer begins.
   * @param contentLength -1 when it is not known; 0 also for an answer that has nothing but these headers.
   */
  start(status: number, reason: string, headers: FlatHeaders, contentLength: number): void;
  /** False when the client is slow: `drained` follows. */
  data(chunk: Buffer): boolean;
  end(trailers: FlatHeaders | undefined): void;
  /** An answer of the gateway's own, before any of the instance's. */
  refuse(status: number, message: string, retryAfterSeconds?: number): void;
  /** Breaks off an answer that has begun, so that the client cannot take it for whole. */
  cut(): void;
}
