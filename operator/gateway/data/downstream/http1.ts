import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { STATUS_CODES } from '../../../builtins.ts';
import type { FlatHeaders, Peer, RequestHead } from '../headers.ts';
import { type ResponseHead, without } from '../responseHead.ts';
import { type Downstream, type DownstreamEvents, earlyHints } from './downstream.ts';
import { resetSocket } from './socket.ts';

/** Up to this size a body is joined to its headers as text, which leaves in one write. */
const JOIN_BYTES = 16 * 1024;

/**
 * Responses that began in this turn of the event loop. A small response arrives in one turn and is sent as one write;
 * the headers of those whose body has not arrived are sent when the turn ends.
 */
const begun: Http1Downstream[] = [];

function flushBegun(): void {
  for (const downstream of begun.splice(0)) downstream.flush();
}

const EMPTY = Buffer.alloc(0);
const TEXT = ['content-type', 'text/plain; charset=utf-8'];

/** A reason phrase that Node can write; bytes above 0x7f are opaque (RFC 9112, 4). */
const REASON = /^[\t\x20-\x7e\x80-\xff]+$/;

/** Decides whether a connection is closed after its response. */
export interface Closer {
  closes(peer: Peer): boolean;
}

/** A request that came over HTTP/1.0 or 1.1. */
export class Http1Downstream implements Downstream {
  readonly method: string;
  readonly path: string;
  readonly head: RequestHead;
  readonly hasBody: boolean;
  forwarded = 0;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #peer: Peer;
  readonly #closer: Closer;
  #events: DownstreamEvents | undefined;
  #remaining = -1;
  #flushed = false;
  #trailers = false;
  #endsWithConnection = false;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    head: RequestHead,
    peer: Peer,
    closer: Closer,
  ) {
    this.method = request.method as string;
    this.path = path;
    this.head = head;
    this.hasBody = head.chunked || (head.contentLength ?? 0) > 0;
    this.#request = request;
    this.#response = response;
    this.#peer = peer;
    this.#closer = closer;
  }

  get protocol(): string {
    return `HTTP/${this.#request.httpVersion}`;
  }

  get body(): Readable {
    return this.#request;
  }

  get complete(): boolean {
    return this.#request.complete;
  }

  /** A connection that is not read reports no event; but one that was reset has no peer any more. */
  get wasReset(): boolean {
    const request = this.#request;
    if (request.complete || request.readableLength < request.readableHighWaterMark) return false;
    const { _handle: handle } = request.socket as { _handle?: { getpeername?: (out: object) => number } };
    return handle?.getpeername !== undefined && handle.getpeername({}) !== 0;
  }

  get begun(): boolean {
    return this.#response.headersSent;
  }

  get takesTrailers(): boolean {
    return this.#trailers;
  }

  get unsent(): number {
    return this.#response.writableLength;
  }

  attach(events: DownstreamEvents): void {
    this.#events = events;
    this.#response.on('close', this.#onClose);
  }

  proceed(): void {
    this.#response.writeContinue();
  }

  /** Node's own method takes one link only, and not all that RFC 8297 and RFC 8288 allow. */
  information(status: number, headers: FlatHeaders): void {
    const hints = earlyHints(status, headers);
    if (!hints || this.begun || this.#request.httpVersionMinor === 0) return;
    let lines = 'HTTP/1.1 103 Early Hints\r\n';
    for (let i = 0; i < hints.length; i += 2) lines += `${hints[i]}: ${hints[i + 1]}\r\n`;
    this.#response.socket?.write(`${lines}\r\n`, 'latin1');
  }

  start(
    status: number,
    reason: string,
    { headers, contentLength, announcesTrailers }: ResponseHead,
  ): boolean {
    const bodiless = status === 204 || status === 304 || this.method === 'HEAD';
    this.#trailers = contentLength < 0 && !bodiless && this.#request.httpVersionMinor > 0;
    const unwanted = (name: string): boolean =>
      (name === 'trailer' && !this.#trailers) || (name === 'content-length' && status === 204);
    const filtered = announcesTrailers || status === 204 ? without(headers, unwanted) : headers;
    if (this.#closer.closes(this.#peer)) filtered.push('connection', 'close');
    this.#endsWithConnection = contentLength < 0 && !bodiless && !this.#trailers;
    this.#remaining = bodiless ? -1 : contentLength;
    this.#response.writeHead(status, REASON.test(reason) ? reason : (STATUS_CODES[status] ?? ''), filtered);
    if (begun.push(this) === 1) process.nextTick(flushBegun);
    return true;
  }

  /** Sends the headers if nothing else has yet. */
  flush(): void {
    if (this.#flushed) return;
    this.#flushed = true;
    try {
      // flushHeaders() would write bytes above 0x7f as two.
      this.#response.write(EMPTY);
    } catch (error) {
      this.#events?.onError(error);
    }
  }

  data(chunk: Buffer): boolean {
    const response = this.#response;
    const first = !this.#flushed;
    this.#flushed = true;
    if (this.#remaining === chunk.length) {
      this.#remaining = 0;
      // The last of the body: headers and body leave together.
      if (first && chunk.length <= JOIN_BYTES) response.end(chunk.toString('latin1'), 'latin1');
      else response.end(chunk);
      return true;
    }
    if (this.#remaining > 0) this.#remaining -= chunk.length;
    if (response.write(chunk)) return true;
    response.once('drain', this.#onDrain);
    return false;
  }

  end(trailers: FlatHeaders | undefined): void {
    const response = this.#response;
    this.#flushed = true;
    if (response.writableEnded) return;
    if (trailers && this.#trailers) {
      const pairs: [string, string][] = [];
      for (let i = 0; i < trailers.length; i += 2)
        pairs.push([trailers[i] as string, trailers[i + 1] as string]);
      response.addTrailers(pairs);
    }
    response.end();
  }

  reject(status: number, message: string, retryAfterSeconds?: number): void {
    rejectHttp1(this.#response, status, message, this.#closer.closes(this.#peer), retryAfterSeconds);
  }

  cut(): void {
    this.#flushed = true;
    // Where the end of the connection ends the response, only a reset shows that it is incomplete.
    const { socket } = this.#response;
    if (this.#endsWithConnection && socket) resetSocket(socket);
    this.#response.destroy();
  }

  readonly #onClose = (): void => this.#events?.gone();
  readonly #onDrain = (): void => this.#events?.drained();
}

/** Responds with a message, which is one line of text where the fields do not say otherwise. */
export function rejectHttp1(
  response: ServerResponse,
  status: number,
  message: string,
  close: boolean,
  retryAfterSeconds?: number,
  fields: readonly string[] = [],
): void {
  const body = `${message}\n`;
  const type = fields.includes('content-type') ? [] : TEXT;
  const headers = [...type, ...fields, 'content-length', String(Buffer.byteLength(body))];
  if (retryAfterSeconds !== undefined) headers.push('retry-after', String(retryAfterSeconds));
  if (close) headers.push('connection', 'close');
  response.writeHead(status, headers);
  response.end(body);
}
