const NEWLINE = 0x0a;

/**
 * Cuts a byte stream into lines. Works on bytes, so a character that two chunks share stays whole,
 * and joins the pieces of a long line once, so its cost is linear in the line's length.
 */
export class LineSplitter {
  #pieces: Buffer[] = [];

  /** The lines that end in this chunk, without their newline; empty ones are left out. */
  *push(chunk: Buffer): Generator<string> {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, start);
      if (end < 0) break;
      const line = this.#join(chunk, start, end);
      start = end + 1;
      if (line !== '') yield line;
    }
    if (start < chunk.length) this.#pieces.push(chunk.subarray(start));
  }

  #join(chunk: Buffer, start: number, end: number): string {
    if (this.#pieces.length === 0) return chunk.toString('utf8', start, end);
    this.#pieces.push(chunk.subarray(start, end));
    const line = Buffer.concat(this.#pieces).toString('utf8');
    this.#pieces = [];
    return line;
  }
}
