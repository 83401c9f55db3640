import type { LogEntry } from './entry.ts';
import type { Test } from './filter/evaluate.ts';
import { entryOf } from './line.ts';
import type { Line, LogQuery } from './lines.ts';
import type { Source } from './sources.ts';
import { following, msOf, timeOfMs } from './time.ts';

/** What all readers of one search share. */
export interface Search {
  test: Test;
  /** Lines of a source from a point on. */
  read(source: Source, query: LogQuery): AsyncGenerator<Line, void, undefined>;
  /** Bytes that one source may hold ready. */
  room: number;
  /** Canonical times, both inclusive. */
  from?: string;
  to?: string;
  /** Read so far in the whole search. */
  meter: { bytes: number };
}

/** After all times: nothing is known of a log that is still written. */
export const END = '9999';

/** Lines that are asked for first: enough for most requests, and little where the log is long. */
const FIRST_LINES = 200;
const FIRST_WINDOW_MS = 60_000;
const LONGEST_WINDOW_MS = 30 * 86_400_000;
/** Bytes of a part above which the next one is made shorter, and below which longer. */
const LARGE_PART = 2 * 1024 * 1024;
const SMALL_PART = 512 * 1024;
/** Bytes after which a part is given up for a shorter one. */
const LARGEST_PART = 8 * 1024 * 1024;
/** What an entry takes beside its text, in bytes. */
const OVERHEAD = 1000;

/** Entries of one source in the order of a search. */
export abstract class Reader {
  readonly source: Source;
  protected readonly search: Search;
  /** Read, and not taken yet; the next one last. */
  protected ready: LogEntry[] = [];
  /** Where the next part begins: all on the other side of this time has been read. */
  protected edge: string;
  /** All has been read. */
  protected isRead = false;

  constructor(source: Source, search: Search, edge: string) {
    this.source = source;
    this.search = search;
    this.edge = edge;
  }

  /** The next entry; undefined where more must be read first. */
  get next(): LogEntry | undefined {
    return this.ready.at(-1);
  }

  /** The time that no further entry is beyond: the latest, or of a forward reader the earliest. */
  get bound(): string {
    return this.next?.timestamp ?? this.edge;
  }

  /** Nothing follows. */
  get done(): boolean {
    return this.ready.length === 0 && this.isRead;
  }

  take(): LogEntry {
    return this.ready.pop() as LogEntry;
  }

  /** Reads a bounded part of the log. */
  abstract fill(): Promise<void>;
}

/** From the newest to the oldest: first the last lines, then windows of time that grow where there is little. */
export class BackwardReader extends Reader {
  #windowMs = FIRST_WINDOW_MS;
  #isFirst = true;

  /** @param below where an earlier page ended; exclusive. */
  constructor(source: Source, search: Search, below?: string) {
    const limits = [below, search.to && following(search.to), source.end && following(source.end)];
    const [least = END] = limits.filter((each) => each !== undefined).sort();
    super(source, search, least);
  }

  async fill(): Promise<void> {
    if (this.#isFirst) await this.#readTail();
    else await this.#readWindow();
    const { from = '' } = this.search;
    if (this.edge <= from || this.edge <= this.source.start) this.isRead = true;
  }

  async #readTail(): Promise<void> {
    this.#isFirst = false;
    const kept = new Kept(this.search, this.source);
    let lines = 0;
    let first: string | undefined;
    let last = '';
    for await (const line of this.search.read(this.source, {
      tailLines: FIRST_LINES,
      since: this.search.from,
    })) {
      first ??= line.time;
      last = line.time;
      lines++;
      if (line.time < this.edge) kept.add(line);
    }
    const isAll = lines < FIRST_LINES && kept.dropped === undefined;
    // Before the first line there may be others of the same time.
    this.#take(kept, isAll ? undefined : first);
    if (isAll) this.isRead = true;
    else if (first !== undefined) this.#windowMs = bounded((msOf(last) - msOf(first)) * 4);
  }

  async #readWindow(): Promise<void> {
    const { from = '' } = this.search;
    const least = from > this.source.start ? from : this.source.start;
    const newest = msOf(this.edge);
    const since = wholeSecond(Math.max(newest - this.#windowMs, msOf(least)));
    const before = this.search.meter.bytes;
    // A second must be read as a whole.
    const limitBytes = this.#windowMs > 1000 ? LARGEST_PART : undefined;
    const kept = new Kept(this.search, this.source);
    let isWhole = false;
    for await (const line of this.search.read(this.source, { since, limitBytes })) {
      // Lines of several streams may be a little out of order.
      isWhole = line.time > this.edge && msOf(line.time) > newest + 1000;
      if (isWhole) break;
      if (line.time < this.edge && line.time >= since) kept.add(line);
    }
    const bytes = this.search.meter.bytes - before;
    if (!isWhole && limitBytes !== undefined && bytes >= limitBytes) {
      this.#windowMs = bounded(this.#windowMs / 8);
      return;
    }
    this.#take(kept, undefined);
    if (kept.dropped === undefined) this.edge = since;
    if (bytes > LARGE_PART) this.#windowMs = bounded(this.#windowMs / 4);
    else if (bytes < SMALL_PART) this.#windowMs = bounded(this.#windowMs * 4);
  }

  /** @param limit entries of this time and earlier ones are left for the next part. */
  #take(kept: Kept, limit: string | undefined): void {
    const last = [kept.dropped, limit]
      .filter((each) => each !== undefined)
      .sort()
      .at(-1);
    this.ready = kept.entries.sort(byTime);
    if (last === undefined) return;
    if (last < this.edge && following(last) >= this.edge && kept.dropped !== undefined) {
      // More of one time than there is room for: the rest of these is left out.
      this.edge = kept.dropped;
      return;
    }
    this.ready = this.ready.filter(({ timestamp }) => timestamp > last);
    if (following(last) < this.edge) this.edge = following(last);
  }
}

/** From the oldest to the newest. */
export class ForwardReader extends Reader {
  /** @param from where an earlier page ended; inclusive. */
  constructor(source: Source, search: Search, from?: string) {
    const limits = [from, search.from, source.start].filter((each) => each !== undefined);
    super(source, search, limits.sort().at(-1) as string);
  }

  async fill(): Promise<void> {
    const { to, room, meter } = this.search;
    const found: LogEntry[] = [];
    let begin: number | undefined;
    let held = 0;
    let latest = '';
    let stopped: string | undefined;
    for await (const line of this.search.read(this.source, { since: this.edge })) {
      if (to !== undefined && line.time > to && msOf(line.time) > msOf(to) + 1000) break;
      if (line.time < this.edge || (to !== undefined && line.time > to)) continue;
      begin ??= meter.bytes;
      // All of one time belong to one part.
      const isFull = held > room || meter.bytes - begin > LARGE_PART;
      if (isFull && line.time > latest) {
        stopped = line.time;
        break;
      }
      if (line.time > latest) latest = line.time;
      const entry = passing(line, this.search, this.source);
      if (!entry) continue;
      found.push(entry);
      held += line.text.length + OVERHEAD;
    }
    if (stopped === undefined) this.isRead = true;
    else this.edge = stopped;
    this.ready = found.sort(byTime).reverse();
  }
}

/** The newest entries of a part that fit into the room of a source. */
class Kept {
  entries: LogEntry[] = [];
  /** The latest time of an entry that had to go. */
  dropped: string | undefined;
  readonly #search: Search;
  readonly #source: Source;
  #sizes: number[] = [];
  #held = 0;
  #begin = 0;

  constructor(search: Search, source: Source) {
    this.#search = search;
    this.#source = source;
  }

  add(line: Line): void {
    const entry = passing(line, this.#search, this.#source);
    if (!entry) return;
    this.entries.push(entry);
    this.#sizes.push(line.text.length + OVERHEAD);
    this.#held += line.text.length + OVERHEAD;
    while (this.#held > this.#search.room && this.#begin < this.entries.length - 1) this.#dropOldest();
    if (this.#begin > 1000) {
      this.entries = this.entries.slice(this.#begin);
      this.#sizes = this.#sizes.slice(this.#begin);
      this.#begin = 0;
    }
  }

  #dropOldest(): void {
    const { timestamp } = this.entries[this.#begin] as LogEntry;
    if (this.dropped === undefined || timestamp > this.dropped) this.dropped = timestamp;
    this.#held -= this.#sizes[this.#begin] as number;
    this.#begin++;
  }
}

function passing(
  { text, time }: Line,
  { test, from, to }: Search,
  { id, origin }: Source,
): LogEntry | undefined {
  if ((from !== undefined && time < from) || (to !== undefined && time > to)) return undefined;
  const entry = entryOf(text, time, origin, id);
  return test(entry) ? entry : undefined;
}

function bounded(ms: number): number {
  return Math.min(Math.max(ms, 1000), LONGEST_WINDOW_MS);
}

function wholeSecond(ms: number): string {
  return timeOfMs(Math.floor(ms / 1000) * 1000);
}

function byTime(a: LogEntry, b: LogEntry): number {
  return a.timestamp < b.timestamp ? -1 : a.timestamp > b.timestamp ? 1 : 0;
}
