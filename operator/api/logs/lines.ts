import { type KubeClient, resourcePath } from '../../kube/client.ts';
import { PODS } from '../../kube/core.ts';
import { isKubeError } from '../../kube/errors.ts';
import type { Source } from './sources.ts';
import { lineTime } from './time.ts';

/** A line of a log, and when the container runtime took it. */
export interface Line {
  /** Canonical. */
  time: string;
  text: string;
}

/** What of a log is asked for (Kubernetes, Read log of the specified Pod). */
export interface LogQuery {
  /** No more than so many lines, the last ones. */
  tailLines?: number;
  /** Canonical; the cluster takes whole seconds. */
  since?: string;
  /** Of what is asked for, no more than so many bytes, the first ones. */
  limitBytes?: number;
}

/** Longest line in bytes; the rest of it is left out. Cloud Logging takes entries of 256 kB. */
const LONGEST_LINE = 256 * 1024;
const SILENCE_MS = 10_000;
const NEWLINE = 0x0a;

/** Counts what was read. */
export interface Meter {
  bytes: number;
}

/**
 * The lines of a log, oldest first and read no faster than they are taken; who stops taking them ends the request. None
 * where the log is gone, or has not begun.
 * @throws {KubeError} when it cannot be read.
 */
export async function* linesOf(
  client: KubeClient,
  { namespace, pod, container, previous }: Source,
  { tailLines, since, limitBytes }: LogQuery,
  { meter, signal }: { meter: Meter; signal: AbortSignal },
): AsyncGenerator<Line, void, undefined> {
  const query = {
    container,
    timestamps: true,
    tailLines,
    limitBytes,
    sinceTime: since && `${since.slice(0, 19)}Z`,
    previous: previous || undefined,
  };
  const path = resourcePath(PODS, { namespace, name: pod }, 'log');
  const options = { query, signal, timeoutMs: SILENCE_MS, bodyTimeoutMs: SILENCE_MS, verb: 'log' };
  const splitter = new BoundedSplitter();
  try {
    for await (const chunk of client.stream(path, options)) {
      meter.bytes += chunk.length;
      for (const text of splitter.push(chunk)) {
        const line = lineTime(text);
        if (line) yield line;
      }
    }
  } catch (error) {
    // 400: the container waits to start, or its last run is no longer kept.
    if (isKubeError(error, 'KUBE_NOT_FOUND') || (isKubeError(error) && error.status === 400)) return;
    throw error;
  }
  const last = lineTime(splitter.rest());
  if (last) yield last;
}

/** Cuts bytes into lines and keeps no more than {@link LONGEST_LINE} of one. */
class BoundedSplitter {
  #pieces: Buffer[] = [];
  #length = 0;

  *push(chunk: Buffer): Generator<string> {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, start);
      if (end < 0) break;
      this.#keep(chunk.subarray(start, end));
      start = end + 1;
      yield this.rest();
    }
    this.#keep(chunk.subarray(start));
  }

  /** What has come since the last newline. */
  rest(): string {
    const [only] = this.#pieces;
    const line = this.#pieces.length === 1 && only ? only : Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#length = 0;
    return line.toString('utf8');
  }

  #keep(bytes: Buffer): void {
    const kept = bytes.subarray(0, LONGEST_LINE - this.#length);
    if (kept.length === 0) return;
    this.#pieces.push(kept);
    this.#length += kept.length;
  }
}
