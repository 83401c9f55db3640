/** A connection, as far as its waiting requests are concerned. */
export interface Source {
  /** The cell of the client's address ({@link addressCell}). */
  readonly address: number;
  /** Bytes of a body that it may send before an instance takes the request. */
  readonly window: number;
  /** One of its requests has to wait. */
  waits(): void;
}

/** Where a request waits; the links of the lists live in it. */
export class QueueEntry<W> {
  readonly waiter: W;
  readonly source: Source;
  readonly arrivedAt: number;
  /** Its rank among all threads; 0 while it is behind another request of its connection. */
  ticket = 0;
  ahead: QueueEntry<W> | undefined;
  behind: QueueEntry<W> | undefined;
  older: QueueEntry<W> | undefined;
  newer: QueueEntry<W> | undefined;

  constructor(waiter: W, source: Source, arrivedAt: number) {
    this.waiter = waiter;
    this.source = source;
    this.arrivedAt = arrivedAt;
  }
}

/** A connection's share of the line. */
interface Share<W> {
  /** Its requests that stand in the line: one, or more when requests came back from instances. */
  standing: number;
  readonly backlog: Ends<W>;
}

interface Ends<W> {
  first: QueueEntry<W> | undefined;
  last: QueueEntry<W> | undefined;
}

/**
 * The requests of one thread that wait for one revision, in the order in which they are served: first come, first
 * served, but of each connection only the oldest stands in the line and the next joins at its end. So a connection with
 * many requests takes turns with the others.
 */
export class Queue<W> {
  readonly #line: Ends<W> = { first: undefined, last: undefined };
  readonly #shares = new Map<Source, Share<W>>();
  readonly #ticket: () => number;
  #oldest: QueueEntry<W> | undefined;
  #newest: QueueEntry<W> | undefined;
  #length = 0;

  /** @param ticket gives the next rank among all threads. */
  constructor(ticket: () => number) {
    this.#ticket = ticket;
  }

  /** All requests that wait, also those behind others of their connection. */
  get length(): number {
    return this.#length;
  }

  /** Who is served next. */
  get first(): QueueEntry<W> | undefined {
    return this.#line.first;
  }

  /** Who came first of all that wait. */
  get oldest(): QueueEntry<W> | undefined {
    return this.#oldest;
  }

  /** Adds a request that has just come. */
  push(place: QueueEntry<W>): void {
    const share = this.#shareOf(place.source);
    if (share.standing > 0) append(share.backlog, place);
    else this.#stand(share, place);
    this.#addByAge(place);
  }

  /** Adds a request before all others. */
  unshift(place: QueueEntry<W>, ticket: number): void {
    place.ticket = ticket;
    place.behind = this.#line.first;
    if (this.#line.first) this.#line.first.ahead = place;
    else this.#line.last = place;
    this.#line.first = place;
    this.#shareOf(place.source).standing++;
    this.#addByAge(place);
  }

  /** @returns whether the next request of its connection stands in the line now. */
  remove(place: QueueEntry<W>): boolean {
    const share = this.#shareOf(place.source);
    const promoted = place.ticket !== 0 && this.#promote(share);
    if (place.ticket !== 0) share.standing--;
    take(place.ticket === 0 ? share.backlog : this.#line, place);
    place.ticket = 0;
    if (share.standing === 0) this.#shares.delete(place.source);
    this.#removeByAge(place);
    return promoted;
  }

  /** The next one joins before the other leaves, so that a line that has somebody never looks empty. */
  #promote(share: Share<W>): boolean {
    const next = share.backlog.first;
    if (share.standing > 1 || !next) return false;
    take(share.backlog, next);
    this.#stand(share, next);
    return true;
  }

  #stand(share: Share<W>, place: QueueEntry<W>): void {
    share.standing++;
    place.ticket = this.#ticket();
    append(this.#line, place);
  }

  #shareOf(source: Source): Share<W> {
    let share = this.#shares.get(source);
    if (!share) {
      share = { standing: 0, backlog: { first: undefined, last: undefined } };
      this.#shares.set(source, share);
    }
    return share;
  }

  /** Nearly always the newest; one that came back from an instance is older than most. */
  #addByAge(place: QueueEntry<W>): void {
    this.#length++;
    let older = this.#newest;
    if (older && older.arrivedAt > place.arrivedAt) {
      let newer = this.#oldest;
      while (newer && newer.arrivedAt <= place.arrivedAt) newer = newer.newer;
      older = newer?.older;
    }
    place.older = older;
    place.newer = older ? older.newer : this.#oldest;
    if (place.older) place.older.newer = place;
    else this.#oldest = place;
    if (place.newer) place.newer.older = place;
    else this.#newest = place;
  }

  #removeByAge(place: QueueEntry<W>): void {
    this.#length--;
    if (place.older) place.older.newer = place.newer;
    else this.#oldest = place.newer;
    if (place.newer) place.newer.older = place.older;
    else this.#newest = place.older;
    place.older = undefined;
    place.newer = undefined;
  }
}

function append<W>(ends: Ends<W>, place: QueueEntry<W>): void {
  place.ahead = ends.last;
  place.behind = undefined;
  if (ends.last) ends.last.behind = place;
  else ends.first = place;
  ends.last = place;
}

function take<W>(ends: Ends<W>, place: QueueEntry<W>): void {
  if (place.behind) place.behind.ahead = place.ahead;
  else ends.last = place.ahead;
  if (place.ahead) place.ahead.behind = place.behind;
  else ends.first = place.behind;
  place.ahead = undefined;
  place.behind = undefined;
}
