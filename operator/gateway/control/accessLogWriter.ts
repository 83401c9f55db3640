import { write } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const STDOUT = 1;
/** Until the next attempt at a pipe that is full. */
const FULL_MS = 10;

interface Batch {
  chunks: string[];
  written: () => void;
}

/**
 * Writes the access log of all data threads to the standard output, one chunk at a time: a reader that is slow blocks
 * neither this thread nor more than one of those that Node has for files.
 */
export class AccessLogWriter {
  readonly #fd: number;
  readonly #batches: Batch[] = [];
  #writing: Promise<void> | undefined;

  constructor(fd: number = STDOUT) {
    this.#fd = fd;
  }

  /** @param written called when all of it is written, or cannot be. */
  write(chunks: string[], written: () => void): void {
    this.#batches.push({ chunks, written });
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
  }

  /** Resolves when everything is written, after `limitMs` at the latest. */
  async end(limitMs: number): Promise<void> {
    await Promise.race([this.#writing, sleep(limitMs, undefined, { ref: false })]);
  }

  async #writeAll(): Promise<void> {
    for (let batch = this.#batches.shift(); batch; batch = this.#batches.shift()) {
      try {
        for (const chunk of batch.chunks) await writeWhole(this.#fd, Buffer.from(chunk));
      } catch {
        // Nothing reads the standard output any more, which is no reason to fail requests.
      }
      batch.written();
    }
  }
}

async function writeWhole(fd: number, bytes: Buffer): Promise<void> {
  for (let rest = bytes; rest.length > 0; ) {
    const count = await writeSome(fd, rest);
    if (count === 0) await sleep(FULL_MS);
    rest = rest.subarray(count);
  }
}

/** @returns how many bytes were written, 0 when a pipe is full. */
function writeSome(fd: number, bytes: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, (error, count) => {
      if (!error) resolve(count);
      else if (error.code === 'EAGAIN') resolve(0);
      else reject(error);
    });
  });
}
