import type { ServerHttp2Session } from 'node:http2';
import { HTTP2_WINDOW } from '../shared/limits.ts';
import { type Budget, NO_REVISION } from './budget.ts';

/** Of connections on which an upload flows: 10 MB/s at a round trip of 50 ms. */
const LARGE_WINDOW = 512 * 1024;
/** Streams of a connection that may have the large window. */
const MOST_STREAMS = 4;
const LARGE_BYTES = MOST_STREAMS * (LARGE_WINDOW - HTTP2_WINDOW);
/** An upload flows when two small windows arrive between two checks. */
const FLOW_BYTES = 2 * HTTP2_WINDOW;
/** Checks without a flow after which the large window is taken back. */
const PATIENCE = 5;

/**
 * How much of each body an HTTP/2 client may send ahead (RFC 9113, 6.9.2). It is little, because requests may wait with
 * it in the gateway's memory, and more while an upload flows on a connection with few streams and there is memory.
 */
export class UploadWindow {
  /** What a stream may have at the moment, in bytes: the large window until the client has acknowledged the small one. */
  size = HTTP2_WINDOW;
  readonly #session: ServerHttp2Session;
  readonly #budget: Budget;
  #large = false;
  #bytesRead = 0;
  #looksWithoutFlow = 0;

  constructor(session: ServerHttp2Session, budget: Budget) {
    this.#session = session;
    this.#budget = budget;
  }

  /**
   * Called several times a second.
   * @param bytesRead of the connection, since it was opened.
   * @param streams that are open.
   */
  look(bytesRead: number, streams: number): void {
    const flows = bytesRead - this.#bytesRead >= FLOW_BYTES;
    this.#bytesRead = bytesRead;
    this.#looksWithoutFlow = flows ? 0 : this.#looksWithoutFlow + 1;
    if (this.#large) {
      if (streams > MOST_STREAMS || this.#looksWithoutFlow >= PATIENCE) this.lower();
    } else if (flows && streams <= MOST_STREAMS && this.size === HTTP2_WINDOW) {
      this.#raise();
    }
  }

  /** A request of the connection has to wait, or there are too many. */
  lower(): void {
    if (!this.#large) return;
    this.#large = false;
    if (this.#session.destroyed) {
      this.#shrunk();
      return;
    }
    this.#session.settings({ initialWindowSize: HTTP2_WINDOW }, () => this.#shrunk());
  }

  /** The connection is closed. */
  close(): void {
    this.#large = false;
    this.#shrunk();
  }

  #raise(): void {
    if (this.#session.destroyed || !this.#budget.take(NO_REVISION, LARGE_BYTES)) return;
    this.#large = true;
    this.size = LARGE_WINDOW;
    this.#session.settings({ initialWindowSize: LARGE_WINDOW });
  }

  #shrunk(): void {
    if (this.size === HTTP2_WINDOW) return;
    this.size = HTTP2_WINDOW;
    this.#budget.give(NO_REVISION, LARGE_BYTES);
  }
}
