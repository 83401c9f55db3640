import { Readable } from 'node:stream';

/**
 * A request's body as an upstream reads it. Upstreams destroy the body that they are given when they fail; destroying
 * the client's own stream would close its connection before the error answer is written, so this stands between.
 * Nothing is taken from the client before the first read, so that an attempt which never connected can be repeated.
 */
export class RequestBody extends Readable {
  readonly #source: Readable;
  #attached = false;

  constructor(source: Readable) {
    super({ highWaterMark: 64 * 1024 });
    this.#source = source;
  }

  override _read(): void {
    if (!this.#attached) {
      this.#attached = true;
      this.#source.on('data', this.#onData);
      this.#source.on('end', this.#onEnd);
    }
    this.#source.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (this.#attached) {
      this.#source.off('data', this.#onData);
      this.#source.off('end', this.#onEnd);
      // What still comes is dropped, so that the client can finish sending and read its answer.
      this.#source.resume();
    }
    done(error);
  }

  readonly #onData = (chunk: Buffer): void => {
    if (!this.push(chunk)) this.#source.pause();
  };

  readonly #onEnd = (): void => {
    this.push(null);
  };
}
