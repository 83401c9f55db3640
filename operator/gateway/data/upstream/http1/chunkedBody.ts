import { ResponseSyntaxError } from './head.ts';

const SIZE = 0;
const EXTENSION = 1;
const SIZE_LF = 2;
const DATA = 3;
const DATA_CR = 4;
const DATA_LF = 5;
const TRAILERS = 6;

/** Digits of a chunk size: 2^48 bytes are more than any body has. */
const MAX_SIZE_DIGITS = 12;
/** Bytes of extensions that one chunk may carry; they are ignored. */
const MAX_EXTENSION_BYTES = 4096;

/** Takes the framing off a chunked body (RFC 9112, 7.1). */
export class ChunkedBody {
  /** Bytes of payload that the last call of {@link feed} found, moved to where it began. */
  payload = 0;
  #state = SIZE;
  #size = 0;
  #digits = 0;
  #extension = 0;

  /** The last chunk has come: what follows are trailers. */
  get inTrailers(): boolean {
    return this.#state === TRAILERS;
  }

  /**
   * Reads from `at` to `length` or to the beginning of the trailers.
   * @returns where it stopped.
   * @throws {ResponseSyntaxError}
   */
  feed(bytes: Buffer, at: number, length: number): number {
    let from = at;
    let to = at;
    while (from < length && this.#state !== TRAILERS) {
      if (this.#state !== DATA) {
        this.#framing(bytes[from++] as number);
        continue;
      }
      const end = Math.min(length, from + this.#size);
      if (to !== from) bytes.copyWithin(to, from, end);
      to += end - from;
      this.#size -= end - from;
      from = end;
      if (this.#size === 0) this.#state = DATA_CR;
    }
    this.payload = to - at;
    return from;
  }

  #framing(byte: number): void {
    switch (this.#state) {
      case SIZE:
        this.#sizeByte(byte);
        return;
      case EXTENSION:
        if (byte === 13) this.#state = SIZE_LF;
        else if (byte === 10 || ++this.#extension > MAX_EXTENSION_BYTES) throw invalid();
        return;
      case SIZE_LF:
        if (byte !== 10) throw invalid();
        this.#state = this.#size === 0 ? TRAILERS : DATA;
        return;
      case DATA_CR:
        if (byte !== 13) throw invalid();
        this.#state = DATA_LF;
        return;
      default:
        if (byte !== 10) throw invalid();
        this.#state = SIZE;
        this.#digits = 0;
        this.#extension = 0;
    }
  }

  #sizeByte(byte: number): void {
    const digit = hexValue(byte);
    if (digit >= 0) {
      if (++this.#digits > MAX_SIZE_DIGITS) throw invalid();
      this.#size = this.#size * 16 + digit;
      return;
    }
    if (this.#digits === 0) throw invalid();
    if (byte === 13) this.#state = SIZE_LF;
    else if (byte === 59 || byte === 32 || byte === 9) this.#state = EXTENSION;
    else throw invalid();
  }
}

function hexValue(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

function invalid(): ResponseSyntaxError {
  return new ResponseSyntaxError('a chunk is not framed as in RFC 9112, 7.1');
}
