export interface BatchesOptions {
  /** Texts are handed over together after this time at the latest. */
  flushMs: number;
  /** They are handed over sooner when they have this size. */
  flushBytes: number;
  /** Texts that wait while the batch before is under way; beyond this size they are dropped. */
  maxWaitingBytes: number;
  /** Texts are joined to chunks of this size at most, unless one alone is longer. */
  chunkBytes: number;
  /** Hands a batch over; {@link Batches.taken} follows. */
  send: (chunks: string[], count: number) => void;
}

/**
 * Texts of one thread for the control thread. They go there in batches, one at a time, so that a control thread that is
 * slow to take them costs a bounded amount of memory and delays no request.
 */
export class Batches {
  readonly #options: BatchesOptions;
  #chunks: string[] = [];
  #last = 0;
  #bytes = 0;
  #count = 0;
  #sending = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: BatchesOptions) {
    this.#options = options;
  }

  /**
   * @param count how many things the text says.
   * @returns false when it was dropped.
   */
  add(text: string, count = 1): boolean {
    const { flushMs, flushBytes, maxWaitingBytes, chunkBytes } = this.#options;
    const bytes = Buffer.byteLength(text);
    if (this.#bytes + bytes > maxWaitingBytes) return false;
    this.#bytes += bytes;
    this.#count += count;
    if (this.#last === 0 || this.#last + bytes > chunkBytes) {
      this.#chunks.push(text);
      this.#last = bytes;
    } else {
      this.#chunks[this.#chunks.length - 1] += text;
      this.#last += bytes;
    }
    if (this.#bytes >= flushBytes && !this.#sending) this.flush();
    else this.#timer ??= setTimeout(() => this.#flushNext(), flushMs).unref();
    return true;
  }

  /** The last batch was taken. */
  taken(): void {
    this.#sending = false;
    if (this.#timer === undefined && this.#bytes > 0) this.flush();
  }

  /** Hands everything over, whether the batch before was taken or not. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#bytes === 0) return;
    const chunks = this.#chunks;
    const count = this.#count;
    this.#chunks = [];
    this.#last = 0;
    this.#bytes = 0;
    this.#count = 0;
    this.#sending = true;
    this.#options.send(chunks, count);
  }

  #flushNext(): void {
    this.#timer = undefined;
    if (!this.#sending) this.flush();
  }
}
