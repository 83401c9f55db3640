import type {
  ClientHttp2Session,
  ClientHttp2Stream,
  ClientSessionOptions,
  IncomingHttpHeaders,
} from 'node:http2';
import { http2 } from '../../../builtins.ts';
import { httpOrigin } from '../../shared/origin.ts';
import type { Downstream } from '../downstream/downstream.ts';
import { http2Headers } from '../downstream/http2.ts';
import type { FlatHeaders } from '../headers.ts';
import { outliveStreams } from '../http2Memory.ts';
import { responseHead } from '../responseHead.ts';
import { isRepeatable, type Upstream, type UpstreamCall, type UpstreamEvents } from './upstream.ts';

/**
 * Node's default windows of 64 KB would make every large or parallel stream wait for the other side. A connection's
 * window is that of many streams, because those whose body is not read yet (they wait for an instance) hold their part.
 */
export const STREAM_WINDOW = 512 * 1024;
export const SESSION_WINDOW = 64 * 1024 * 1024;
/** MB that one connection may hold; further streams are refused. */
export const SESSION_MEMORY = 256;
const CONNECT_TIMEOUT_MS = 5000;
/** An idle session is closed after this time; programs rarely close theirs before. */
const IDLE_MS = 60_000;
/** Of a response; as many as fit into the bytes that HTTP/1.1 instances may send. */
const MAX_RESPONSE_FIELDS = 4096;
const MAX_RESPONSE_HEAD_BYTES = 128 * 1024;
/** What clients may send, and what the gateway adds to it. */
const MAX_REQUEST_HEAD_BYTES = 128 * 1024;

const SESSION_OPTIONS: ClientSessionOptions & { strictSingleValueFields: boolean } = {
  settings: {
    enablePush: false,
    initialWindowSize: STREAM_WINDOW,
    maxHeaderListSize: MAX_RESPONSE_HEAD_BYTES,
  },
  maxSendHeaderBlockLength: MAX_REQUEST_HEAD_BYTES,
  maxSessionMemory: SESSION_MEMORY,
  maxHeaderListPairs: MAX_RESPONSE_FIELDS,
  // A repeated field is passed on as it is: HTTP/2 itself has no rule against it.
  strictSingleValueFields: false,
};

/** HTTP/2 connections to one instance; a further one when the program allows no more streams on the others. */
export class Http2Upstream implements Upstream {
  readonly #origin: string;
  readonly #sessions = new Set<Session>();

  constructor(host: string, port: number) {
    this.#origin = httpOrigin(host, port);
  }

  send(events: UpstreamEvents, fresh: boolean): UpstreamCall {
    const call = new Http2Call(events);
    const session = (fresh ? undefined : this.#accepting()) ?? this.#open();
    session.send(call);
    return call;
  }

  close(): void {
    for (const session of this.#sessions) session.close();
  }

  #accepting(): Session | undefined {
    for (const session of this.#sessions) if (session.accepts()) return session;
    return undefined;
  }

  #open(): Session {
    const session = new Session(this.#origin, () => this.#sessions.delete(session));
    this.#sessions.add(session);
    return session;
  }
}

class Session {
  readonly #session: ClientHttp2Session;
  readonly #waiting: Http2Call[] = [];
  readonly #end: () => void;
  #connected = false;
  #closing = false;
  #open = 0;
  #idle: NodeJS.Timeout | undefined;
  #error: Error = new Error('the connection was closed');

  constructor(origin: string, closed: () => void) {
    const session = http2().connect(origin, SESSION_OPTIONS);
    this.#session = session;
    this.#end = session.close.bind(session);
    // Node calls this for a GOAWAY. A session that it has closed reports no error of the connection any more, such as an
    // invalid frame, and its streams would wait in vain until their deadline.
    session.close = () => this.close();
    const timer = setTimeout(() => session.destroy(timeoutError()), CONNECT_TIMEOUT_MS);
    session.on('connect', () => {
      // Node reports it also of a session that was destroyed before, when the thread was held up for so long.
      if (session.destroyed) return;
      clearTimeout(timer);
      outliveStreams(session);
      session.setLocalWindowSize(SESSION_WINDOW);
      this.#connected = true;
      for (const call of this.#waiting.splice(0)) this.#start(call);
    });
    session.on('error', (error) => {
      this.#error = error;
    });
    session.on('goaway', closed);
    session.on('close', () => {
      clearTimeout(timer);
      clearTimeout(this.#idle);
      closed();
      for (const call of this.#waiting.splice(0)) call.failed(this.#error, false);
    });
    session.unref();
  }

  accepts(): boolean {
    if (this.#closing || this.#session.destroyed) return false;
    const limit = this.#connected ? (this.#session.remoteSettings.maxConcurrentStreams ?? 100) : 100;
    return this.#open + this.#waiting.length < limit;
  }

  send(call: Http2Call): void {
    if (this.#connected) this.#start(call);
    else this.#waiting.push(call);
  }

  /** Ends the connection after the last of its streams. */
  close(): void {
    this.#closing = true;
    if (this.#open === 0 && this.#waiting.length === 0) this.#end();
  }

  #start(call: Http2Call): void {
    this.#open++;
    clearTimeout(this.#idle);
    call.start(this.#session, () => {
      this.#open--;
      if (this.#closing) this.close();
      // A timer of the session's own would keep it in memory for as long, also when the instance has gone.
      else if (this.#open === 0) this.#idle = setTimeout(() => this.close(), IDLE_MS).unref();
    });
  }
}

function timeoutError(): Error {
  return Object.assign(new Error('no connection in time'), { code: 'ETIMEDOUT' });
}

class Http2Call implements UpstreamCall {
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
