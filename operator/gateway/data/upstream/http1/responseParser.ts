import type { FlatHeaders } from '../../headers.ts';
import { ChunkedBody } from './chunkedBody.ts';
import { type HeadSection, MAX_HEAD_BYTES, parseFields, parseHead, ResponseSyntaxError } from './head.ts';

/** What a response parser finds, in this order; a callback may throw, and the parser must not be used after that. */
export interface ResponseSink {
  /** An interim response (1xx), 101 excepted. */
  information(status: number, headers: FlatHeaders): void;
  /** The final response's head. */
  responseStart(status: number, reason: string, headers: FlatHeaders): void;
  /** A part of the body, in a buffer of its own. */
  responseData(chunk: Buffer): void;
  responseEnd(trailers: FlatHeaders | undefined): void;
}

const HEAD = 0;
const SIZED = 1;
const CHUNKED = 2;
const UNTIL_CLOSE = 3;
const DONE = 4;

const HEAD_END = Buffer.from('\r\n\r\n');
const EMPTY = Buffer.alloc(0);

/**
 * Parses the responses of one HTTP/1.1 connection, one after the other, strictly (RFC 9112): what two parsers could
 * read differently is an error, so that no byte of one response can be taken for another's.
 */
export class ResponseParser {
  /** Whether the connection can carry another request; known once the head of a final response has been read. */
  keepAlive = false;
  /** The instance's idle timeout (`Keep-Alive: timeout=`), in seconds. */
  keepAliveSeconds: number | undefined;
  readonly #sink: ResponseSink;
  #state = DONE;
  #bodiless = false;
  /** The bytes of an incomplete head or incomplete trailers. */
  #pending: Buffer = EMPTY;
  #pendingSize = 0;
  #remaining = 0;
  #chunks: ChunkedBody | undefined;

  constructor(sink: ResponseSink) {
    this.#sink = sink;
  }

  /** Whether no response is expected: bytes that arrive now belong to no response. */
  get idle(): boolean {
    return this.#state === DONE;
  }

  /** A request was sent: its response is next. @param method HEAD is answered without a body. */
  expect(method: string): void {
    this.#state = HEAD;
    this.#bodiless = method === 'HEAD';
    this.#pending = EMPTY;
    this.#pendingSize = 0;
  }

  /**
   * Takes what was read; the buffer may be used again afterwards.
   * @throws {ResponseSyntaxError} when it is not a valid response to the request.
   */
  feed(bytes: Buffer, length: number): void {
    let at = 0;
    while (at < length) {
      switch (this.#state) {
        case HEAD:
          at = this.#head(bytes, at, length);
          break;
        case SIZED:
          at = this.#sized(bytes, at, length);
          break;
        case CHUNKED:
          at = this.#chunked(bytes, at, length);
          break;
        case UNTIL_CLOSE:
          this.#sink.responseData(copyOf(bytes, at, length));
          return;
        default:
          throw new ResponseSyntaxError('bytes after the end of the response');
      }
    }
  }

  /** The instance closed its side. @returns whether that is the proper end of a response. */
  end(): boolean {
    if (this.#state !== UNTIL_CLOSE) return this.#state === DONE;
    this.#finish(undefined);
    return true;
  }

  #head(bytes: Buffer, at: number, length: number): number {
    const found = this.#section(bytes, at, length, false);
    if (!found) return length;
    const head = parseHead(found.text);
    if (head.status < 200) {
      if (head.status === 101) throw new ResponseSyntaxError('101 although no upgrade was asked for');
      this.#sink.information(head.status, head.fields);
      return found.next;
    }
    this.keepAlive = head.keepAlive;
    this.keepAliveSeconds = head.keepAliveSeconds;
    this.#begin(head);
    return found.next;
  }

  #begin({ status, reason, fields, contentLength, chunked }: HeadSection): void {
    const bodiless = this.#bodiless || status === 204 || status === 304;
    if (bodiless) this.#state = DONE;
    else if (chunked) {
      this.#state = CHUNKED;
      this.#chunks = new ChunkedBody();
    } else if (contentLength >= 0) {
      this.#state = SIZED;
      this.#remaining = contentLength;
    } else {
      this.#state = UNTIL_CLOSE;
      this.keepAlive = false;
    }
    this.#sink.responseStart(status, reason, fields);
    if (bodiless || (this.#state === SIZED && contentLength === 0)) this.#finish(undefined);
  }

  #sized(bytes: Buffer, at: number, length: number): number {
    const end = Math.min(length, at + this.#remaining);
    this.#remaining -= end - at;
    this.#sink.responseData(copyOf(bytes, at, end));
    if (this.#remaining === 0) this.#finish(undefined);
    return end;
  }

  #chunked(bytes: Buffer, at: number, length: number): number {
    const chunks = this.#chunks as ChunkedBody;
    if (chunks.inTrailers) return this.#trailers(bytes, at, length);
    const next = chunks.feed(bytes, at, length);
    // The payloads of all chunks in these bytes were moved together.
    if (chunks.payload > 0) this.#sink.responseData(copyOf(bytes, at, at + chunks.payload));
    return next;
  }

  #trailers(bytes: Buffer, at: number, length: number): number {
    const found = this.#section(bytes, at, length, true);
    if (!found) return length;
    this.#finish(found.text === '' ? undefined : parseFields(found.text.split('\r\n')));
    return found.next;
  }

  /** A head or trailers up to the empty line, as text; undefined while it is incomplete. */
  #section(
    bytes: Buffer,
    at: number,
    length: number,
    mayBeEmpty: boolean,
  ): { text: string; next: number } | undefined {
    const before = this.#pendingSize;
    const from = before === 0 ? at : 0;
    const to = before === 0 ? length : this.#append(bytes, at, length);
    const all = before === 0 ? bytes : this.#pending;
    if (mayBeEmpty && to - from >= 2 && all[from] === 13 && all[from + 1] === 10) {
      this.#pendingSize = 0;
      return { text: '', next: at + 2 - before };
    }
    const found = all.subarray(0, to).indexOf(HEAD_END, Math.max(from, from + before - 3));
    const size = (found < 0 ? to : found) - from;
    if (size > MAX_HEAD_BYTES) throw new ResponseSyntaxError(`a head of over ${MAX_HEAD_BYTES} bytes`);
    if (found >= 0) {
      this.#pendingSize = 0;
      return { text: all.toString('latin1', from, found), next: at + size + HEAD_END.length - before };
    }
    if (before === 0) this.#append(bytes, at, length);
    if (!mayBeEmpty) checkBeginning(this.#pending.subarray(0, this.#pendingSize));
    return undefined;
  }

  /** @returns how many bytes are kept now. */
  #append(bytes: Buffer, at: number, length: number): number {
    const size = this.#pendingSize + length - at;
    if (size > this.#pending.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(size, 2 * this.#pending.length));
      this.#pending.copy(larger, 0, 0, this.#pendingSize);
      this.#pending = larger;
    }
    bytes.copy(this.#pending, this.#pendingSize, at, length);
    this.#pendingSize = size;
    return size;
  }

  #finish(trailers: FlatHeaders | undefined): void {
    this.#state = DONE;
    this.#chunks = undefined;
    this.#sink.responseEnd(trailers);
  }
}

/** Bytes that cannot become a head are rejected now, not at the request's deadline. */
function checkBeginning(part: Buffer): void {
  const expected = 'HTTP/1.';
  const size = Math.min(part.length, expected.length);
  const newline = part.indexOf(10);
  if (
    part.toString('latin1', 0, size) !== expected.slice(0, size) ||
    (newline >= 0 && part[newline - 1] !== 13)
  ) {
    throw new ResponseSyntaxError('the response does not begin as HTTP/1.1 does');
  }
}

function copyOf(bytes: Buffer, from: number, to: number): Buffer {
  return Buffer.from(bytes.subarray(from, to));
}
