import type { ClientHttp2Session, ClientSessionOptions } from 'node:http2';
import { http2 } from '../../../builtins.ts';
import { httpOrigin } from '../../shared/origin.ts';
import { outliveStreams } from '../http2Memory.ts';
import { Http2Call } from './http2Call.ts';
import type { Upstream, UpstreamCall, UpstreamEvents } from './upstream.ts';

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
