import { connect, type Socket } from 'node:net';
import type { Timed } from '../../deadlines.ts';
import type { Downstream } from '../../downstream/downstream.ts';
import type { FlatHeaders } from '../../headers.ts';
import { responseHead } from '../../responseHead.ts';
import { isRepeatable, type UpstreamCall, type UpstreamEvents } from '../upstream.ts';
import { ResponseParser, type ResponseSink } from './responseParser.ts';

/**
 * What is read from any connection of the thread; the parser copies what must outlive the callback. The first part of a
 * response is small, so that little is buffered for a client that reads nothing at all; further reads are large for
 * throughput.
 */
const firstRead = Buffer.allocUnsafeSlow(16 * 1024);
const laterRead = Buffer.allocUnsafeSlow(64 * 1024);
/** Longer than two SYN retransmissions, so that one lost packet is no failure. */
const CONNECT_TIMEOUT_MS = 5000;

/** The pool that a connection belongs to. */
export interface ConnectionOwner {
  /** It can carry another request. @param keepAliveSeconds the idle timeout that the instance announces. */
  idle(connection: Connection, keepAliveSeconds: number | undefined): void;
  /** It is closed. */
  gone(connection: Connection): void;
}

/** One connection to an instance, with one request at a time (RFC 9112, 9.3; never pipelined). */
export class Connection implements ResponseSink, Timed {
  expiresAt = 0;
  earlier: Timed | undefined;
  later: Timed | undefined;
  deadlineList: Timed['deadlineList'];
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #parser: ResponseParser = new ResponseParser(this);
  #call: Call | undefined;
  #connected = false;
  #reused = false;
  #readBuffer: Buffer | undefined;
  /** The client has read all of the response so far. */
  #taken = false;

  constructor(host: string, port: number, owner: ConnectionOwner) {
    this.#owner = owner;
    const socket = connect({
      host,
      port,
      noDelay: true,
      onread: {
        buffer: () => this.#nextBuffer() as Buffer,
        callback: (size, bytes) => this.#read(bytes as Buffer, size),
      },
    });
    this.#socket = socket;
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy(timeoutError()));
    socket.on('connect', () => {
      socket.setTimeout(0);
      this.#connected = true;
      this.#call?.begin();
    });
    socket.on('drain', () => this.#call?.drained());
    socket.on('end', () => this.#ended());
    socket.on('error', (error) => this.#broken(error));
    socket.on('close', () => this.#broken(new Error('the connection was closed')));
  }

  /** Sends a request. The connection is new, or idle. */
  send(events: UpstreamEvents): UpstreamCall {
    const call = new Call(this.#socket, events, this.#reused, this);
    this.#reused = true;
    this.#call = call;
    this.#parser.expect(events.downstream.method);
    if (this.#connected) call.begin();
    return call;
  }

  /** Closes the connection, whatever is in flight on it. */
  destroy(): void {
    this.#call = undefined;
    this.#socket.destroy();
  }

  /** Its idle timeout has passed. */
  expired(): void {
    this.#owner.gone(this);
    this.destroy();
  }

  information(status: number, headers: FlatHeaders): void {
    this.#call?.events.information(status, headers);
  }

  responseStart(status: number, reason: string, headers: FlatHeaders): void {
    const call = this.#call as Call;
    call.answered = true;
    call.events.responseStart(status, reason, responseHead(headers));
  }

  responseData(chunk: Buffer): void {
    if (this.#call && !this.#call.events.responseData(chunk)) this.#socket.pause();
  }

  responseEnd(trailers: FlatHeaders | undefined): void {
    const call = this.#call;
    if (!call) return;
    this.#call = undefined;
    const { keepAlive, keepAliveSeconds } = this.#parser;
    // An upload that goes on would still reach the program while its slot is free: it ends with the connection. After
    // HEAD a body that should not be there would be taken for the next response.
    const reusable = keepAlive && call.uploaded && call.events.downstream.method !== 'HEAD';
    call.release();
    // A client that is slow to take the end must not keep the next response from being read.
    if (this.#socket.isPaused()) this.#socket.resume();
    if (reusable) this.#owner.idle(this, keepAliveSeconds);
    else this.#socket.destroy();
    call.events.responseEnd(trailers);
  }

  /** @returns whether to read on. */
  #read(bytes: Buffer, size: number): boolean {
    const call = this.#call;
    try {
      if (!call) throw new Error('the instance sent something without a request');
      this.#parser.feed(bytes, size);
    } catch (error) {
      this.#socket.destroy();
      this.#broken(error as Error);
    }
    const readOn = !this.#socket.destroyed && !this.#socket.isPaused();
    this.#taken = readOn && this.#call !== undefined;
    return readOn;
  }

  /** Where the next read goes; undefined when that is where the last one went. */
  #nextBuffer(): Buffer | undefined {
    const next = this.#taken ? laterRead : firstRead;
    if (next === this.#readBuffer) return undefined;
    this.#readBuffer = next;
    return next;
  }

  /** The client has read all of the response so far. */
  resume(): void {
    this.#taken = true;
    this.#socket.resume();
  }

  #ended(): void {
    let proper = false;
    try {
      proper = this.#call !== undefined && this.#parser.end();
    } catch (error) {
      this.#broken(error as Error);
    }
    this.#socket.destroy();
    if (!proper) this.#broken(new Error('the instance closed the connection'));
  }

  #broken(error: Error): void {
    const call = this.#call;
    this.#call = undefined;
    call?.release();
    this.#owner.gone(this);
    call?.failed(error);
  }
}

function timeoutError(): Error {
  return Object.assign(new Error('no connection in time'), { code: 'ETIMEDOUT' });
}

/** One request on a connection. */
class Call implements UpstreamCall {
  readonly events: UpstreamEvents;
  /** The head of the final response has arrived. */
  answered = false;
  /** The whole request was written. */
  uploaded = false;
  readonly #connection: Connection;
  readonly #socket: Socket;
  readonly #reused: boolean;
  #begun = false;
  #chunked = false;
  #remaining = 0;

  constructor(socket: Socket, events: UpstreamEvents, reused: boolean, connection: Connection) {
    this.#socket = socket;
    this.events = events;
    this.#reused = reused;
    this.#connection = connection;
  }

  /** The connection is established: sends the request. */
  begin(): void {
    const { downstream } = this.events;
    this.#begun = true;
    this.events.sent();
    if (!downstream.hasBody) {
      this.uploaded = true;
      this.#socket.write(requestHead(downstream, false), 'latin1');
      return;
    }
    const { contentLength } = downstream.head;
    this.#chunked = contentLength === undefined;
    this.#remaining = contentLength ?? 0;
    this.#socket.write(requestHead(downstream, this.#chunked), 'latin1');
    const { body } = downstream;
    body.on('data', this.#onData).on('end', this.#onEnd).resume();
    // The end of an empty body may have been emitted before this listener was added.
    if (body.readableEnded) this.#onEnd();
  }

  resume(): void {
    this.#connection.resume();
  }

  cancel(): void {
    this.release();
    this.#connection.destroy();
  }

  drained(): void {
    if (!this.uploaded) this.events.downstream.body.resume();
  }

  failed(error: Error): void {
    const repeatable = this.#reused && !this.answered && isRepeatable(this.events.downstream);
    this.events.upstreamFailed(error, this.#begun, repeatable);
  }

  /** Leaves the client's body alone from now on. */
  release(): void {
    const { downstream } = this.events;
    if (!this.#begun || !downstream.hasBody) return;
    // Further input is dropped, so that the client can finish sending and read its response.
    downstream.body.off('data', this.#onData).off('end', this.#onEnd).resume();
  }

  readonly #onData = (chunk: Buffer): void => {
    this.events.downstream.forwarded += chunk.length;
    if (this.#chunked) {
      this.#socket.cork();
      this.#socket.write(`${chunk.length.toString(16)}\r\n`, 'latin1');
      this.#socket.write(chunk);
      const more = this.#socket.write('\r\n', 'latin1');
      this.#socket.uncork();
      if (!more) this.events.downstream.body.pause();
      return;
    }
    this.#remaining -= chunk.length;
    if (this.#remaining < 0) this.#mismatch();
    else if (!this.#socket.write(chunk)) this.events.downstream.body.pause();
  };

  readonly #onEnd = (): void => {
    // A body that was aborted ends too; that the client has left is reported separately.
    if (!this.events.downstream.complete) return;
    if (this.#chunked) this.#socket.write('0\r\n\r\n', 'latin1');
    else if (this.#remaining > 0) {
      this.#mismatch();
      return;
    }
    this.uploaded = true;
  };

  /** Longer or shorter than its Content-Length: the instance must not take it for a complete request. */
  #mismatch(): void {
    this.#socket.destroy(
      Object.assign(new Error('the body is not as long as it says'), { code: 'GATEWAY_BODY_LENGTH' }),
    );
  }
}

function requestHead({ method, path, head }: Downstream, chunked: boolean): string {
  const { headers, contentLength } = head;
  let text = `${method} ${path} HTTP/1.1\r\n`;
  for (let i = 0; i < headers.length; i += 2) text += `${headers[i]}: ${headers[i + 1]}\r\n`;
  if (chunked) text += 'transfer-encoding: chunked\r\n';
  else if (contentLength !== undefined) text += `content-length: ${contentLength}\r\n`;
  return `${text}\r\n`;
}
