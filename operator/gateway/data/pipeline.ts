import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { MAX_PIPELINED, waitingBytes } from '../shared/limits.ts';
import { type Budget, NO_REVISION } from './budget.ts';

/** A request of HTTP/1.1 that arrived before the response to the one before it was sent. */
interface Pipelined<S> {
  request: IncomingMessage;
  response: ServerResponse;
  serve: S;
  bytes: number;
}

/** The pipelined requests of a connection, which wait for their turn and count as memory for requests. */
export class Pipeline<S> {
  readonly #requestBytes: Budget;
  #waiting: Pipelined<S>[] = [];

  constructor(requestBytes: Budget) {
    this.#requestBytes = requestBytes;
  }

  /** @param serve kept with it. @returns false when there are too many, or no memory is left for it. */
  add(request: IncomingMessage, response: ServerResponse, serve: S): boolean {
    const bytes = waitingBytes(textBytes(request.rawHeaders), 0);
    if (this.#waiting.length >= MAX_PIPELINED || !this.#requestBytes.take(NO_REVISION, bytes)) return false;
    this.#waiting.push({ request, response, serve, bytes });
    return true;
  }

  /** The one whose turn it is. */
  next(): Pipelined<S> | undefined {
    const next = this.#waiting.shift();
    if (next) this.#requestBytes.give(NO_REVISION, next.bytes);
    return next;
  }

  drop(): void {
    for (const { bytes } of this.#waiting) this.#requestBytes.give(NO_REVISION, bytes);
    this.#waiting = [];
  }
}

function textBytes(texts: readonly string[]): number {
  let bytes = 0;
  for (const text of texts) bytes += text.length;
  return bytes;
}

/**
 * Makes node:http's parser fail at the next request: the bytes that it has read may hold thousands of further requests,
 * which would be parsed only to be dropped. (`pause()` of the parser waits for the end of those bytes.)
 */
export function stopParsing(socket: Socket): void {
  const { parser } = socket as { parser?: { onIncoming?: () => number } };
  if (parser) parser.onIncoming = () => -1;
}
