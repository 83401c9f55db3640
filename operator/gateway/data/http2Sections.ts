import type { ServerHttp2Session } from 'node:http2';

/** Distinguishes the bytes of an incomplete header section on an HTTP/2 session from all others. */
export class Http2Sections {
  readonly #session: ServerHttp2Session;
  #lastStream = 0;
  #seenBytes = 0;

  constructor(session: ServerHttp2Session) {
    this.#session = session;
  }

  /** A stream arrived, with its whole header section. */
  complete(stream: number): void {
    this.#lastStream = stream;
  }

  /** Whether a header section has begun and not ended. */
  get begun(): boolean {
    const last = this.#session.destroyed ? undefined : this.#session.state.lastProcStreamID;
    return (last ?? 0) > this.#lastStream;
  }

  /** Bytes of an incomplete header section. @param bytesRead of the connection. */
  pendingBytes(bytesRead: number): number {
    if (bytesRead === this.#seenBytes) return 0;
    const { begun } = this;
    if (!begun) this.#seenBytes = bytesRead;
    return begun ? bytesRead - this.#seenBytes : 0;
  }
}
