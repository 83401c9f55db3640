import type { ServerHttp2Stream } from 'node:http2';
import type { Readable } from 'node:stream';
import type { FlatHeaders, RequestHead } from '../headers.ts';
import type { Downstream, DownstreamEvents } from './downstream.ts';

type Http2Headers = Record<string, string | string[] | number>;

/** Lower-case names with values gathered, as HTTP/2 wants them. */
export function http2Headers(headers: FlatHeaders, status?: number): Http2Headers {
  const gathered: Http2Headers = status === undefined ? {} : { ':status': status };
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

/** A request that came over HTTP/2 without TLS. */
export class Http2Downstream implements Downstream {
  readonly method: string;
  readonly path: string;
  readonly head: RequestHead;
  readonly hasBody: boolean;
  readonly #stream: ServerHttp2Stream;
  #events: DownstreamEvents | undefined;
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

  get unsent(): number {
    return this.#stream.writableLength;
  }

  attach(events: DownstreamEvents): void {
    this.#events = events;
    this.#stream.on('close', () => this.#events?.gone());
  }

  proceed(): void {
    this.#stream.additionalHeaders({ ':status': 100 });
  }

  information(status: number, headers: FlatHeaders): void {
    if (!this.#stream.destroyed && !this.#stream.headersSent) {
      this.#stream.additionalHeaders(http2Headers(headers, status));
    }
  }

  start(status: number, _reason: string, headers: FlatHeaders, contentLength: number): void {
    const stream = this.#stream;
    if (stream.destroyed) return;
    // An answer of headers alone must end with them: gRPC tells errors so ("Trailers-Only").
    const endStream = this.method === 'HEAD' || status === 204 || status === 304 || contentLength === 0;
    // Trailers can follow any body whose end is not fixed by its length (gRPC answers always).
    const waitForTrailers = !endStream && contentLength < 0;
    if (waitForTrailers) {
      stream.on('wantTrailers', () => stream.sendTrailers(http2Headers(this.#trailers ?? [])));
    }
    stream.respond(http2Headers(headers, status), { endStream, waitForTrailers });
  }

  data(chunk: Buffer): boolean {
    const stream = this.#stream;
    if (stream.destroyed || stream.writableEnded || stream.write(chunk)) return true;
    stream.once('drain', () => this.#events?.drained());
    return false;
  }

  end(trailers: FlatHeaders | undefined): void {
    this.#trailers = trailers;
    if (!this.#stream.destroyed && !this.#stream.writableEnded) this.#stream.end();
  }

  refuse(status: number, message: string, retryAfterSeconds?: number): void {
    refuseHttp2(this.#stream, status, message, this.hasBody, retryAfterSeconds);
  }

  cut(): void {
    // close() with a code would end the stream properly before it resets it: a client would take the half for the whole.
    this.#stream.destroy(new Error('the answer was broken off'));
  }
}

/** Answers with one line of text. */
export function refuseHttp2(
  stream: ServerHttp2Stream,
  status: number,
  message: string,
  hasBody: boolean,
  retryAfterSeconds?: number,
): void {
  if (stream.destroyed || stream.headersSent) return;
  const body = Buffer.from(`${message}\n`);
  stream.respond({
    ':status': status,
    'content-type': 'text/plain; charset=utf-8',
    'content-length': body.length,
    ...(retryAfterSeconds === undefined ? undefined : { 'retry-after': String(retryAfterSeconds) }),
  });
  stream.end(body);
  if (!hasBody) return;
  // What still comes of the request is dropped, and its client need not send it (RFC 9113, 8.1: NO_ERROR).
  stream.resume();
  stream.once('finish', () => setImmediate(() => stream.close()));
}
