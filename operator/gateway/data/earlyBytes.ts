import type { Socket } from 'node:net';

/** Beyond this size the connection is not read any more. */
export const MAX_EARLY_BYTES = 16 * 1024;

/**
 * What a client sends before its upgrade is answered. Its connection is read from the beginning, or else a client that leaves
 * while it waits would not be noticed.
 */
export class EarlyBytes {
  readonly #socket: Socket;
  #chunks: Buffer[] = [];
  #size = 0;

  /** @param first what came behind the request. */
  constructor(socket: Socket, first: Buffer) {
    this.#socket = socket;
    if (first.length > 0) this.#add(first);
    socket.on('data', this.#add);
  }

  /** Takes what has come; nothing is kept from now on. */
  take(): Buffer[] {
    this.#socket.off('data', this.#add);
    const chunks = this.#chunks;
    this.#chunks = [];
    return chunks;
  }

  readonly #add = (chunk: Buffer): void => {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#size >= MAX_EARLY_BYTES) this.#socket.pause();
  };
}
