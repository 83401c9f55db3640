/** While connections keep arriving, one of those that wait is started this often, in ms. */
const PATIENCE_MS = 20;

/**
 * Starts HTTP/2 connections, or handshakes of TLS, one at a time, each in a turn of the event loop of its own, and fewer
 * while new connections arrive. The first bytes of each may be 100 requests, which are milliseconds of work, and a turn
 * accepts one connection: a thousand of them would delay every later connection for seconds. First come, first served.
 */
export class SessionStarts {
  readonly #patienceMs: number;
  #waiting: (() => void)[] = [];
  #accepted = false;
  #startedAt = 0;
  #scheduled = false;

  /** @param patienceMs how often one is started while connections keep arriving; with 0 in each turn. */
  constructor(patienceMs = PATIENCE_MS) {
    this.#patienceMs = patienceMs;
  }

  /** A connection of any kind was accepted. */
  accepted(): void {
    this.#accepted = true;
  }

  /** @param start called in a later turn; it must not throw. */
  add(start: () => void): void {
    this.#waiting.push(start);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#turn);
  }

  readonly #turn = (): void => {
    this.#scheduled = false;
    const now = performance.now();
    // A single one delays no other.
    const alone = this.#waiting.length === 1;
    if (alone || !this.#accepted || now - this.#startedAt >= this.#patienceMs) {
      this.#startedAt = now;
      this.#waiting.shift()?.();
    }
    this.#accepted = false;
    if (this.#waiting.length > 0) this.#schedule();
  };
}
