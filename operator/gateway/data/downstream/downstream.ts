import type { Readable } from 'node:stream';
import type { FlatHeaders, RequestHead } from '../headers.ts';
import type { ResponseHead } from '../responseHead.ts';

/** The events of a client's request. */
export interface DownstreamEvents {
  /** The client has read what was written and can take more. */
  drained(): void;
  /** The client's connection or stream is closed, after the whole response or before. Called exactly once. */
  gone(): void;
  /** A callback of the client's side threw. */
  onError(error: unknown): void;
}

/** A client's request and the way back to it, the same for HTTP/1.1 and HTTP/2. */
export interface Downstream {
  readonly method: string;
  /** Path and query, as the client wrote them. */
  readonly path: string;
  /** The client's protocol, such as HTTP/1.1. */
  readonly protocol: string;
  readonly head: RequestHead;
  readonly hasBody: boolean;
  /** Bytes of the body that were forwarded. */
  forwarded: number;
  /** Bytes of the response that wait in this process for the client. */
  readonly unsent: number;
  /** The request's body; not read before the request is admitted. */
  readonly body: Readable;
  /** Whether the body has ended properly. */
  readonly complete: boolean;
  /** The client has reset its connection, which no event reports while the body is not read. */
  readonly wasReset: boolean;
  /** The head of a response has been sent, so that no other can be. */
  readonly begun: boolean;
  /** Trailers can follow the response that has begun. */
  readonly takesTrailers: boolean;
  /** Registers for the client's events. */
  attach(events: DownstreamEvents): void;
  /** The instance has the request, so a client that waits for `100 Continue` may send the body. */
  proceed(): void;
  /** An interim response (1xx) of the instance. */
  information(status: number, headers: FlatHeaders): void;
  /** Starts the response. @param status 200 to 599. @returns false when its headers are too large for the client's protocol. */
  start(status: number, reason: string, head: ResponseHead): boolean;
  /** False when the client is slow: `drained` follows. */
  data(chunk: Buffer): boolean;
  /** Ends the response. The rest of the request is not waited for. */
  end(trailers: FlatHeaders | undefined): void;
  /** A response of the gateway itself, before any of the instance's. */
  reject(status: number, message: string, retryAfterSeconds?: number): void;
  /** Aborts a response that has begun, so that the client cannot take it for complete. */
  cut(): void;
}

/** Interim responses may carry anything; clients use only these (RFC 8297). */
export function earlyHints(status: number, headers: FlatHeaders): FlatHeaders | undefined {
  if (status !== 103) return undefined;
  const links: FlatHeaders = [];
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i]?.toLowerCase() === 'link') links.push('link', headers[i + 1] as string);
  }
  return links.length > 0 ? links : undefined;
}
