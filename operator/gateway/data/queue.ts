/** The connection of waiting requests. */
export interface Source {
  /** The cell of the client's address ({@link addressCell}). */
  readonly address: number;
  /** Bytes of a body that it may send before the request is admitted. */
  readonly window: number;
  /** One of its requests has to wait. */
  waits(): void;
}

/** A waiting request in the queue; it holds the links of its lists, so that queueing allocates nothing else. */
export class QueueEntry<W> {
  readonly waiter: W;
  readonly source: Source;
  readonly arrivedAt: number;
  /** Its rank among all threads; 0 while it is in its connection's backlog. */
  ticket = 0;
  previous: QueueEntry<W> | undefined;
  next: QueueEntry<W> | undefined;
  older: QueueEntry<W> | undefined;
  newer: QueueEntry<W> | undefined;

  constructor(waiter: W, source: Source, arrivedAt: number) {
    this.waiter = waiter;
    this.source = source;
    this.arrivedAt = arrivedAt;
  }
}

/** The waiting requests of one connection. */
interface ConnectionQueue<W> {
  /** How many are active: one, or more when requests returned from instances. */
  active: number;
  readonly backlog: List<W>;
}

interface List<W> {
  first: QueueEntry<W> | undefined;
  last: QueueEntry<W> | undefined;
}

/**
 * The requests of one thread that wait for one revision, first come, first served, and fair between connections: of each
 * connection only the oldest request is active, the others are its backlog. When it leaves, the next of the backlog joins
 * the end of the queue, so that a connection with many requests takes turns with the others.
 */
export class Queue<W> {
  readonly #active: List<W> = { first: undefined, last: undefined };
  readonly #queues = new Map<Source, ConnectionQueue<W>>();
  readonly #ticket: () => number;
  #oldest: QueueEntry<W> | undefined;
  #newest: QueueEntry<W> | undefined;
  #length = 0;

  /** @param ticket gives the next rank among all threads. */
  constructor(ticket: () => number) {
    this.#ticket = ticket;
  }

  /** All requests that wait, active ones and backlogs. */
  get length(): number {
    return this.#length;
  }

  /** The request that is served next. */
  get first(): QueueEntry<W> | undefined {
    return this.#active.first;
  }

  /** The request that has waited longest. */
  get oldest(): QueueEntry<W> | undefined {
    return this.#oldest;
  }

  /** Adds a request that has just arrived. */
  push(entry: QueueEntry<W>): void {
    const queue = this.#queueOf(entry.source);
    if (queue.active > 0) append(queue.backlog, entry);
    else this.#activate(queue, entry);
    this.#addByAge(entry);
  }

  /** Adds a request before all others. */
  unshift(entry: QueueEntry<W>, ticket: number): void {
    entry.ticket = ticket;
    entry.next = this.#active.first;
    if (this.#active.first) this.#active.first.previous = entry;
    else this.#active.last = entry;
    this.#active.first = entry;
    this.#queueOf(entry.source).active++;
    this.#addByAge(entry);
  }

  /** @returns whether the next request of its connection is active now. */
  remove(entry: QueueEntry<W>): boolean {
    const queue = this.#queueOf(entry.source);
    const promoted = entry.ticket !== 0 && this.#promote(queue);
    if (entry.ticket !== 0) queue.active--;
    unlink(entry.ticket === 0 ? queue.backlog : this.#active, entry);
    entry.ticket = 0;
    if (queue.active === 0) this.#queues.delete(entry.source);
    this.#removeByAge(entry);
    return promoted;
  }

  /** The next request joins before the other leaves, so that a queue with requests never looks empty. */
  #promote(queue: ConnectionQueue<W>): boolean {
    const next = queue.backlog.first;
    if (queue.active > 1 || !next) return false;
    unlink(queue.backlog, next);
    this.#activate(queue, next);
    return true;
  }

  #activate(queue: ConnectionQueue<W>, entry: QueueEntry<W>): void {
    queue.active++;
    entry.ticket = this.#ticket();
    append(this.#active, entry);
  }

  #queueOf(source: Source): ConnectionQueue<W> {
    let queue = this.#queues.get(source);
    if (!queue) {
      queue = { active: 0, backlog: { first: undefined, last: undefined } };
      this.#queues.set(source, queue);
    }
    return queue;
  }

  /** Nearly always at the end; a request that returned from an instance is older than most. */
  #addByAge(entry: QueueEntry<W>): void {
    this.#length++;
    let older = this.#newest;
    if (older && older.arrivedAt > entry.arrivedAt) {
      let newer = this.#oldest;
      while (newer && newer.arrivedAt <= entry.arrivedAt) newer = newer.newer;
      older = newer?.older;
    }
    entry.older = older;
    entry.newer = older ? older.newer : this.#oldest;
    if (entry.older) entry.older.newer = entry;
    else this.#oldest = entry;
    if (entry.newer) entry.newer.older = entry;
    else this.#newest = entry;
  }

  #removeByAge(entry: QueueEntry<W>): void {
    this.#length--;
    if (entry.older) entry.older.newer = entry.newer;
    else this.#oldest = entry.newer;
    if (entry.newer) entry.newer.older = entry.older;
    else this.#newest = entry.older;
    entry.older = undefined;
    entry.newer = undefined;
  }
}

function append<W>(list: List<W>, entry: QueueEntry<W>): void {
  entry.previous = list.last;
  entry.next = undefined;
  if (list.last) list.last.next = entry;
  else list.first = entry;
  list.last = entry;
}

function unlink<W>(list: List<W>, entry: QueueEntry<W>): void {
  if (entry.next) entry.next.previous = entry.previous;
  else list.last = entry.previous;
  if (entry.previous) entry.previous.next = entry.next;
  else list.first = entry.next;
  entry.previous = undefined;
  entry.next = undefined;
}
