import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import { http2 } from '../../../builtins.ts';
import type { Downstream } from '../downstream/downstream.ts';
import { http2Headers } from '../downstream/http2.ts';
import type { FlatHeaders } from '../headers.ts';
import { responseHead } from '../responseHead.ts';
import { isRepeatable, type UpstreamCall, type UpstreamEvents } from './upstream.ts';

/** A request as a stream of an HTTP/2 connection to an instance. */
export class Http2Call implements UpstreamCall {
  readonly #events: UpstreamEvents;
  #stream: ClientHttp2Stream | undefined;
  #cancelled = false;
  #ended = false;
  #answered = false;

  constructor(events: UpstreamEvents) {
    this.#events = events;
  }

  start(session: ClientHttp2Session, closed: () => void): void {
    if (this.#cancelled) {
      closed();
      return;
    }
    const { downstream } = this.#events;
    let stream: ClientHttp2Stream;
    try {
      stream = session.request(requestHeaders(downstream), { endStream: !downstream.hasBody });
    } catch (error) {
      closed();
      const closing = String((error as { code?: string }).code).startsWith('ERR_HTTP2_SESSION');
      const code = closing ? undefined : 'GATEWAY_BAD_REQUEST';
      this.failed(Object.assign(new Error((error as Error).message, { cause: error }), { code }), false);
      return;
    }
    this.#stream = stream;
    this.#listen(stream, closed);
    this.#events.sent();
    if (downstream.hasBody) pump(downstream, stream);
  }

  failed(error: Error, begun: boolean): void {
    if (this.#ended) return;
    this.#ended = true;
    const repeatable = !this.#answered && isRepeatable(this.#events.downstream);
    this.#events.upstreamFailed(error, begun, repeatable);
  }

  resume(): void {
    this.#stream?.resume();
  }

  cancel(): void {
    this.#cancelled = true;
    this.#ended = true;
    const stream = this.#stream;
    if (!stream) return;
    // close() would end an upload properly before it cancels it, and the program would take a part for the whole.
    if (stream.writableEnded) stream.close(http2().constants.NGHTTP2_CANCEL);
    else stream.destroy(new Error('the request was cancelled'));
  }

  #listen(stream: ClientHttp2Stream, closed: () => void): void {
    const events = this.#events;
    let trailers: FlatHeaders | undefined;
    let failure: Error | undefined;
    const whole = followEnd(stream);
    stream.on('headers', (headers: IncomingHttpHeaders & { ':status'?: number }, _flags, raw: string[]) => {
      events.information(Number(headers[':status']), withoutPseudo(raw));
    });
    (stream as NodeJS.EventEmitter).on(
      'response',
      (headers: { ':status': number }, flags: number, raw: string[]) => {
        const head = responseHead(withoutPseudo(raw));
        const ended = (flags & http2().constants.NGHTTP2_FLAG_END_STREAM) !== 0;
        head.mayHaveTrailers = !ended;
        if (ended) head.contentLength = 0;
        this.#answered = true;
        events.responseStart(headers[':status'], '', head);
      },
    );
    stream.on('data', (chunk: Buffer) => {
      if (!events.responseData(chunk)) stream.pause();
    });
    (stream as NodeJS.EventEmitter).on('trailers', (_headers: object, _flags: number, raw: string[]) => {
      trailers = withoutPseudo(raw);
    });
    stream.on('end', () => {
      // A stream that was reset ends too; 'close' has the reason.
      if (this.#ended || !whole()) return;
      this.#ended = true;
      // The slot goes to another request now, so the rest of this one must not reach the program (RFC 9113, 8.1).
      if (!stream.writableEnded) stream.destroy(new Error('the response is over'));
      events.responseEnd(trailers);
    });
    stream.on('error', (error) => {
      failure = error;
    });
    stream.on('close', () => {
      closed();
      // A stream that the program refused was not processed (RFC 9113, 8.7), so it may be sent again, if it can be. One
      // that it has begun to answer was processed, whatever follows.
      const refused =
        stream.rstCode === http2().constants.NGHTTP2_REFUSED_STREAM &&
        !this.#answered &&
        !events.downstream.hasBody;
      this.failed(failure ?? new Error('the stream was closed'), !refused);
    });
  }
}

/**
 * Whether a stream ended with its END_STREAM. Node ends one that was reset in the same way, and a reset without an error
 * (code 0) leaves no other trace: but then the stream is closed before its end is pushed.
 */
function followEnd(stream: ClientHttp2Stream): () => boolean {
  let whole = false;
  const push = stream.push.bind(stream);
  stream.push = (chunk: unknown, encoding?: BufferEncoding) => {
    if (chunk === null && !stream.closed) whole = true;
    return push(chunk, encoding);
  };
  return () => whole;
}

function requestHeaders(downstream: Downstream): Record<string, string | string[] | number> {
  const { head } = downstream;
  const headers = http2Headers(head.headers);
  const { host } = headers;
  delete headers.host;
  // RFC 9113, 8.2.3: cookies are one header in HTTP/1.1 and may be several here; one is what programs expect.
  if (Array.isArray(headers.cookie)) headers.cookie = headers.cookie.join('; ');
  if (head.contentLength !== undefined) headers['content-length'] = head.contentLength;
  if (head.trailers) headers.te = 'trailers';
  headers[':method'] = downstream.method;
  headers[':path'] = downstream.path;
  headers[':scheme'] = String(headers['x-forwarded-proto'] ?? 'http');
  if (host !== undefined) headers[':authority'] = host;
  return headers;
}

function withoutPseudo(raw: string[]): FlatHeaders {
  const headers: FlatHeaders = [];
  for (let i = 0; i < raw.length; i += 2) {
    if (!(raw[i] as string).startsWith(':')) headers.push(raw[i] as string, raw[i + 1] as string);
  }
  return headers;
}

/** Like pipe(), but an upstream that fails leaves the client's stream alone, and a partial body does not end like a complete one. */
function pump(downstream: Downstream, stream: ClientHttp2Stream): void {
  const { body } = downstream;
  const onData = (chunk: Buffer): void => {
    downstream.forwarded += chunk.length;
    if (!stream.write(chunk)) body.pause();
  };
  const onEnd = (): void => {
    if (downstream.complete) stream.end();
  };
  const onDrain = (): void => {
    body.resume();
  };
  body.on('data', onData).on('end', onEnd).resume();
  // The end of an empty body may have been emitted before this listener was added.
  if (body.readableEnded) onEnd();
  stream.on('drain', onDrain);
  stream.on('close', () => {
    body.off('data', onData).off('end', onEnd).resume();
  });
}
