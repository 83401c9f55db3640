import type { ServerHttp2Stream } from 'node:http2';
import type { Readable } from 'node:stream';
import { http2 } from '../../../builtins.ts';
import { type FlatHeaders, headerValue, type RequestHead } from '../headers.ts';
import { type ResponseHead, without } from '../responseHead.ts';
import { type Downstream, type DownstreamEvents, earlyHints } from './downstream.ts';

/** nghttp2 resets the stream in place of a larger header section. */
const MAX_HEAD_BYTES = 60 * 1024;

type Http2Headers = Record<string, string | string[] | number>;

/** Lower-case names with their values collected, as node:http2 takes them. */
export function http2Headers(headers: readonly string[], status?: number): Http2Headers {
  // Without a prototype: a header may have the name of something that every object inherits.
  const gathered: Http2Headers = Object.create(null);
  if (status !== undefined) gathered[':status'] = status;
  for (let i = 0; i < headers.length; i += 2) {
    const name = (headers[i] as string).toLowerCase();
    const value = headers[i + 1] as string;
    const present = gathered[name];
    if (present === undefined) gathered[name] = value;
    else if (Array.isArray(present)) present.push(value);
    else gathered[name] = [String(present), value];
  }
  return gathered;
}

function sizeOf(headers: FlatHeaders): number {
  let bytes = 0;
  for (const part of headers) bytes += part.length;
  return bytes;
}

/**
 * Whether a status has no content, whatever length an instance announces (RFC 9110, 15.3.5 and 15.3.6). Node ends a 205 with
 * its headers too, and a length that no DATA follows makes it malformed (RFC 9113, 8.1.1).
 */
function hasNoContent(status: number): boolean {
  return status === 204 || status === 205;
}

/** A request that came over HTTP/2. */
export class Http2Downstream implements Downstream {
  readonly method: string;
  readonly path: string;
  readonly head: RequestHead;
  readonly hasBody: boolean;
  readonly protocol = 'HTTP/2';
  forwarded = 0;
  readonly #stream: ServerHttp2Stream;
  #events: DownstreamEvents | undefined;
  #takesTrailers = false;
  #trailers: FlatHeaders | undefined;

  constructor(stream: ServerHttp2Stream, method: string, path: string, head: RequestHead, hasBody: boolean) {
    this.#stream = stream;
    this.method = method;
    this.path = path;
    this.head = head;
    this.hasBody = hasBody;
  }

  get body(): Readable {
    return this.#stream;
  }

  /** A reset ends the body too. One without an error (code 0) leaves no other trace than that the stream is closed. */
  get complete(): boolean {
    return !this.#stream.closed && !this.#stream.aborted;
  }

  /** Resets are frames, and frames are always read. */
  get wasReset(): boolean {
    return false;
  }

  get begun(): boolean {
    return this.#stream.headersSent;
  }

  get takesTrailers(): boolean {
    return this.#takesTrailers;
  }

  get unsent(): number {
    return this.#stream.writableLength;
  }

  attach(events: DownstreamEvents): void {
    this.#events = events;
    this.#stream.on('close', this.#onClose);
    this.#stream.on('drain', this.#onDrain);
  }

  proceed(): void {
    if (!isOver(this.#stream)) this.#stream.additionalHeaders({ ':status': 100 });
  }

  information(status: number, headers: FlatHeaders): void {
    const hints = earlyHints(status, headers);
    if (!hints || isOver(this.#stream) || this.begun) return;
    this.#stream.additionalHeaders(http2Headers(hints, status));
  }

  start(status: number, _reason: string, head: ResponseHead): boolean {
    const stream = this.#stream;
    if (isOver(stream)) return true;
    if (sizeOf(head.headers) > MAX_HEAD_BYTES) return false;
    const { contentLength, mayHaveTrailers } = head;
    // A response of headers alone must end with them: gRPC reports errors so ("Trailers-Only").
    const empty = contentLength === 0 && !mayHaveTrailers;
    const endStream = this.method === 'HEAD' || hasNoContent(status) || status === 304 || empty;
    this.#takesTrailers = !endStream && mayHaveTrailers;
    if (this.#takesTrailers) stream.on('wantTrailers', this.#onWantTrailers);
    const headers = http2Headers(this.#headers(status, head), status);
    stream.respond(headers, { endStream, waitForTrailers: this.#takesTrailers });
    if (endStream) this.#endUpload();
    return true;
  }

  data(chunk: Buffer): boolean {
    const stream = this.#stream;
    return stream.destroyed || stream.writableEnded || stream.write(chunk);
  }

  end(trailers: FlatHeaders | undefined): void {
    this.#trailers = trailers;
    const stream = this.#stream;
    if (stream.destroyed || stream.writableEnded) return;
    stream.end();
    if (!this.#takesTrailers) this.#endUpload();
  }

  reject(status: number, message: string, retryAfterSeconds?: number): void {
    const grpc = headerValue(this.head.headers, 'content-type')?.startsWith('application/grpc');
    if (status === 504 && grpc) rejectGrpc(this.#stream, message);
    else rejectHttp2(this.#stream, status, message, retryAfterSeconds);
    this.#endUpload();
  }

  cut(): void {
    // close() with a code would end the stream properly before it resets it: a client would take a part for the whole.
    this.#stream.destroy(new Error('the response was aborted'));
  }

  #headers(status: number, { headers, announcesTrailers }: ResponseHead): FlatHeaders {
    const noContent = hasNoContent(status);
    if (!announcesTrailers && !noContent) return headers;
    return without(
      headers,
      (name) => (name === 'trailer' && !this.#takesTrailers) || (name === 'content-length' && noContent),
    );
  }

  /** The response is complete, so the rest of the request is not needed (RFC 9113, 8.1). */
  #endUpload(): void {
    if (this.hasBody) endUpload(this.#stream);
  }

  readonly #onClose = (): void => this.#events?.gone();
  readonly #onDrain = (): void => this.#events?.drained();
  readonly #onWantTrailers = (): void => {
    if (isOver(this.#stream)) return;
    try {
      this.#stream.sendTrailers(http2Headers(this.#trailers ?? []));
      this.#endUpload();
    } catch (error) {
      this.#events?.onError(error);
    }
  };
}

/** Whether no response can begin: a stream that was reset without an error is closed before it is destroyed. */
function isOver(stream: ServerHttp2Stream): boolean {
  return stream.closed || stream.destroyed;
}

/** Asks the client to stop sending once it has the response (RFC 9113, 8.1): a reset without an error. */
function endUpload(stream: ServerHttp2Stream): void {
  const reset = (): void => {
    if (!stream.readableEnded && !stream.destroyed) stream.close(http2().constants.NGHTTP2_NO_ERROR);
  };
  // The end of the response is sent in this turn of the event loop; a reset before it would cancel it.
  const later = (): void => void setImmediate(reset);
  if (stream.writableFinished) later();
  else stream.once('finish', later);
  stream.resume();
}

/** A gRPC call that exceeded its deadline: its status in place of an HTTP one (gRPC over HTTP/2, Responses). */
function rejectGrpc(stream: ServerHttp2Stream, message: string): void {
  if (isOver(stream) || stream.headersSent) return;
  stream.respond(
    { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '4', 'grpc-message': message },
    { endStream: true },
  );
}

/** Responds with a message, which is one line of text where the fields do not say otherwise. */
export function rejectHttp2(
  stream: ServerHttp2Stream,
  status: number,
  message: string,
  retryAfterSeconds?: number,
  fields: readonly string[] = [],
): void {
  if (isOver(stream) || stream.headersSent) return;
  const body = Buffer.from(`${message}\n`);
  stream.respond({
    ':status': status,
    'content-type': 'text/plain; charset=utf-8',
    'content-length': body.length,
    ...(retryAfterSeconds === undefined ? undefined : { 'retry-after': String(retryAfterSeconds) }),
    ...http2Headers(fields),
  });
  // The response to HEAD has ended with its headers. A write behind that is an error, after which the stream may never close.
  if (!stream.writableEnded) stream.end(body);
  endUpload(stream);
}
