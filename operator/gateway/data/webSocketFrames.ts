/** Close code 1001: the endpoint is going away (RFC 6455, 7.4.1). */
const GOING_AWAY = [0x03, 0xe9];

/** A close frame as a server sends it. */
export const CLOSE_FROM_SERVER = Buffer.from([0x88, 2, ...GOING_AWAY]);
/** A close frame as a client sends it: masked, here with zeros (RFC 6455, 5.3). */
export const CLOSE_FROM_CLIENT = Buffer.from([0x88, 0x82, 0, 0, 0, 0, ...GOING_AWAY]);

/**
 * Tracks the frame boundaries of one direction of a WebSocket without buffering (RFC 6455, 5.2), to know where another
 * frame may be inserted.
 */
export class FrameBoundary {
  /** Bytes of the present frame's header that have come. */
  #header = 0;
  #headerSize = 2;
  /** Where the header's length field ends. */
  #lengthEnd = 2;
  #length = 0;
  #payload = 0;

  /** Whether the bytes so far are whole frames. */
  get between(): boolean {
    return this.#header === 0 && this.#payload === 0;
  }

  feed(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#payload > 0) {
        const part = Math.min(this.#payload, chunk.length - at);
        this.#payload -= part;
        at += part;
      } else {
        this.#headerByte(chunk[at++] as number);
      }
    }
  }

  #headerByte(byte: number): void {
    const index = this.#header++;
    if (index === 1) {
      const length7 = byte & 0x7f;
      const extended = length7 === 126 ? 2 : length7 === 127 ? 8 : 0;
      this.#length = extended === 0 ? length7 : 0;
      this.#headerSize = 2 + extended + (byte & 0x80 ? 4 : 0);
      this.#lengthEnd = 2 + extended;
    } else if (index > 1 && index < this.#lengthEnd) {
      this.#length = this.#length * 256 + byte;
    }
    if (index === 0 || this.#header < this.#headerSize) return;
    this.#header = 0;
    this.#payload = this.#length;
  }
}
