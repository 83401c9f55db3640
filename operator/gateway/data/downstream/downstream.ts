import type { Readable } from 'node:stream';
import type { FlatHeaders, RequestHead } from '../headers.ts';
import type { ResponseHead } from '../responseHead.ts';

/** What an exchange tells a client of its fate, and what a client tells an exchange. */
export interface DownstreamEvents {
  /** The client took what was written and can take more. */
  drained(): void;
  /** The client's connection or stream is closed, after the whole answer or before. Comes once, and always. */
  gone(): void;
  /** A callback of the client's side threw. */
  fault(error: unknown): void;
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
  /** Whether the body has come to its proper end. */
  readonly complete: boolean;
  /** The client has reset its connection, and nobody was told because the body is not read. */
  readonly wasReset: boolean;
  /** The head of an answer is on its way, so that no other can be given. */
  readonly begun: boolean;
  /** Trailers can follow the answer that has begun. */
  readonly takesTrailers: boolean;
  /** Whom to tell of the client from now on. */
  attach(events: DownstreamEvents): void;
  /** The instance has the request, so a client that waits for `100 Continue` may send the body. */
  proceed(): void;
  /** An interim response (1xx) of the instance. */
  information(status: number, headers: FlatHeaders): void;
  /** The answer begins. @param status 200 to 599. @returns false when its headers are too large for the client's protocol. */
  start(status: number, reason: string, head: ResponseHead): boolean;
  /** False when the client is slow: `drained` follows. */
  data(chunk: Buffer): boolean;
  /** The answer is whole. What is left of the request is not waited for. */
  end(trailers: FlatHeaders | undefined): void;
  /** An answer of the gateway's own, before any of the instance's. */
  refuse(status: number, message: string, retryAfterSeconds?: number): void;
  /** Breaks off an answer that has begun, so that the client cannot take it for whole. */
  cut(): void;
}

/** Interim responses may carry anything; these are the only ones that clients make something of (RFC 8297). */
export function earlyHints(status: number, headers: FlatHeaders): FlatHeaders | undefined {
  if (status !== 103) return undefined;
  const links: FlatHeaders = [];
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i]?.toLowerCase() === 'link') links.push('link', headers[i + 1] as string);
  }
  return links.length > 0 ? links : undefined;
}
