import type { LogEntry } from './entry.ts';
import type { Reader } from './reader.ts';
import { following } from './time.ts';

/** Where a page ended. */
export interface Cursor {
  /** Canonical. Backward: entries are earlier. Forward: they are of this time or later. */
  time: string;
  /** So many entries of the time that is nearest to the cursor were on earlier pages. */
  skip: number;
}

/** What one request may cost; it then answers with what it has, and where to go on. */
export interface Limits {
  entries: number;
  /** Of entries in an answer, as JSON. */
  answerBytes: number;
  /** Read from the cluster. */
  readBytes: number;
  /** Of {@link performance.now}. */
  deadline: number;
  /** Logs that are read at once. */
  parallel: number;
}

export interface PageOfEntries {
  entries: LogEntry[];
  /** Missing when there is no more. */
  next?: Cursor;
}

/**
 * The next page of the entries of all readers, merged in order of time. Only those logs are read that may have the next
 * entry, a part at a time.
 * @param readers in a fixed order, which decides among entries of one time.
 */
export async function readPage(
  readers: readonly Reader[],
  order: 'desc' | 'asc',
  { cursor, limits, meter }: { cursor?: Cursor; limits: Limits; meter: { bytes: number } },
): Promise<PageOfEntries> {
  const isBefore = order === 'desc' ? (a: string, b: string) => a > b : (a: string, b: string) => a < b;
  const merge = new Merge(readers, isBefore);
  const entries: LogEntry[] = [];
  let size = 0;
  let skip = cursor?.skip ?? 0;
  const skipped = cursor && nearest(cursor.time, order);
  const begin = merge.first()?.bound ?? '';
  for (;;) {
    const first = merge.first();
    if (!first) return { entries };
    const entry = first.next;
    if (!entry) {
      const isSpent = meter.bytes >= limits.readBytes || performance.now() >= limits.deadline;
      // The next request must begin further on than this one did.
      if (isSpent && isBefore(begin, first.bound)) return { entries, next: { time: first.bound, skip: 0 } };
      await Promise.all(merge.unread(limits.parallel).map((reader) => reader.fill()));
      continue;
    }
    if (entries.length >= limits.entries || size >= limits.answerBytes)
      return { entries, next: cursorAfter(entries, order, cursor) };
    first.take();
    if (skip > 0 && entry.timestamp === skipped) {
      skip--;
      continue;
    }
    entries.push(entry);
    size += JSON.stringify(entry).length;
  }
}

/** Readers by the time that their next entry can have at best. */
class Merge {
  readonly #isBefore: (a: string, b: string) => boolean;
  /** Not read yet, the best last: most of a long list is never looked at. */
  readonly #waiting: Reader[];
  #open: Reader[] = [];

  constructor(readers: readonly Reader[], isBefore: (a: string, b: string) => boolean) {
    this.#isBefore = isBefore;
    const compare = (a: Reader, b: Reader) =>
      isBefore(a.bound, b.bound) ? 1 : isBefore(b.bound, a.bound) ? -1 : 0;
    this.#waiting = readers.toSorted(compare);
  }

  /** The reader that has the next entry, or one that must be read before that is certain; undefined at the end. */
  first(): Reader | undefined {
    for (;;) {
      const best = this.#best();
      const next = this.#waiting.at(-1);
      if (!next || (best && this.#isBefore(best.bound, next.bound))) return best;
      this.#open.push(next);
      this.#waiting.pop();
    }
  }

  /** Up to `most` readers to read from: those before which nothing is certain, and then those that come next. */
  unread(most: number): Reader[] {
    const unread = this.#open.filter((reader) => !reader.next);
    unread.sort((a, b) => (this.#isBefore(a.bound, b.bound) ? -1 : this.#isBefore(b.bound, a.bound) ? 1 : 0));
    while (unread.length < most) {
      const next = this.#waiting.pop();
      if (!next) break;
      this.#open.push(next);
      unread.push(next);
    }
    return unread.slice(0, most);
  }

  #best(): Reader | undefined {
    let best: Reader | undefined;
    let hasDone = false;
    for (const reader of this.#open) {
      if (reader.done) hasDone = true;
      else if (!best || this.#precedes(reader, best)) best = reader;
    }
    if (hasDone) this.#open = this.#open.filter((reader) => !reader.done);
    return best;
  }

  /** At one time, what is not read yet comes first, as it may have an entry of that time; then the order is that of IDs. */
  #precedes(a: Reader, b: Reader): boolean {
    if (a.bound !== b.bound) return this.#isBefore(a.bound, b.bound);
    const [isRead, other] = [a.next !== undefined, b.next !== undefined];
    return isRead === other ? a.source.id < b.source.id : other;
  }
}

/** The time of entries that a cursor may have had before. */
function nearest(time: string, order: 'desc' | 'asc'): string | undefined {
  return order === 'asc' ? time : preceding(time);
}

/** The last canonical time before another one: the inverse of {@link following}. */
function preceding(time: string): string {
  const nanos = Number(time.slice(20, 29)) - 1;
  if (nanos >= 0) return `${time.slice(0, 20)}${String(nanos).padStart(9, '0')}Z`;
  const seconds = new Date(Date.parse(`${time.slice(0, 19)}Z`) - 1000).toISOString().slice(0, 19);
  return `${seconds}.999999999Z`;
}

function cursorAfter(entries: readonly LogEntry[], order: 'desc' | 'asc', before?: Cursor): Cursor {
  const last = entries.at(-1)?.timestamp ?? '';
  const time = order === 'asc' ? last : following(last);
  const same = entries.filter(({ timestamp }) => timestamp === last).length;
  // A page of one time only goes on counting.
  const earlier = before && before.time === time ? before.skip : 0;
  return { time, skip: same + earlier };
}
