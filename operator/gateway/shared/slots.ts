import { MAX_INSTANCES, MAX_REVISIONS } from './limits.ts';
import { Usage, usageBytes } from './usage.ts';

const INT = Int32Array.BYTES_PER_ELEMENT;

/** Bytes of shared memory that {@link Slots} needs for this many threads; untouched pages cost nothing. */
export function slotBytes(threads: number): number {
  return INT * countsOf(threads) + usageBytes(threads);
}

function countsOf(threads: number): number {
  return MAX_INSTANCES * (threads + 2) + MAX_REVISIONS * (2 * threads + 2);
}

/**
 * The counts that all data threads share: requests in flight in each instance, requests waiting for each revision.
 * They make `containerConcurrency` exact without a message between threads (container contract, Concurrency).
 */
export class Slots {
  readonly threads: number;
  readonly memory: SharedArrayBuffer;
  /** What clients take of the process. */
  readonly usage: Usage;
  /** Requests in flight in each instance, over all threads. */
  readonly #inFlight: Int32Array;
  /** The part of each thread in #inFlight, so that it can be subtracted when the thread ends. */
  readonly #own: Int32Array[];
  /** The part of other gateways in #inFlight. */
  readonly #reserved: Int32Array;
  readonly #waiting: Int32Array;
  readonly #ownWaiting: Int32Array[];
  readonly #tickets: Int32Array;
  /** Ticket of the first request that each thread has waiting for a revision; 0 is none. */
  readonly #heads: Int32Array[];

  constructor(memory: SharedArrayBuffer, threads: number) {
    this.memory = memory;
    this.threads = threads;
    let offset = 0;
    const take = (length: number) => {
      const view = new Int32Array(memory, offset, length);
      offset += length * INT;
      return view;
    };
    this.#inFlight = take(MAX_INSTANCES);
    this.#own = Array.from({ length: threads }, () => take(MAX_INSTANCES));
    this.#reserved = take(MAX_INSTANCES);
    this.#waiting = take(MAX_REVISIONS);
    this.#ownWaiting = Array.from({ length: threads }, () => take(MAX_REVISIONS));
    this.#tickets = take(MAX_REVISIONS);
    this.#heads = Array.from({ length: threads }, () => take(MAX_REVISIONS));
    this.usage = new Usage(memory, INT * countsOf(threads), threads);
  }

  static create(threads: number): Slots {
    return new Slots(new SharedArrayBuffer(slotBytes(threads)), threads);
  }

  /** Requests in flight in an instance, those of other gateways included as far as they count here. */
  inFlight(slot: number): number {
    return Atomics.load(this.#inFlight, slot);
  }

  /** Requests of this gateway in an instance. */
  ownInFlight(slot: number): number {
    return Atomics.load(this.#inFlight, slot) - Atomics.load(this.#reserved, slot);
  }

  /**
   * Sets how many of an instance's slots other gateways hold. The control thread alone calls it.
   * @returns whether there are fewer than before.
   */
  reserve(slot: number, count: number): boolean {
    const delta = count - Atomics.load(this.#reserved, slot);
    if (delta === 0) return false;
    Atomics.store(this.#reserved, slot, count);
    Atomics.add(this.#inFlight, slot, delta);
    return delta < 0;
  }

  /** Takes one of an instance's `limit` request slots; false when all are taken. */
  acquire(thread: number, slot: number, limit: number): boolean {
    const counts = this.#inFlight;
    let seen = Atomics.load(counts, slot);
    while (seen < limit) {
      const found = Atomics.compareExchange(counts, slot, seen, seen + 1);
      if (found === seen) {
        Atomics.add(this.#own[thread] as Int32Array, slot, 1);
        return true;
      }
      seen = found;
    }
    return false;
  }

  release(thread: number, slot: number): void {
    Atomics.sub(this.#own[thread] as Int32Array, slot, 1);
    Atomics.sub(this.#inFlight, slot, 1);
  }

  /** Requests waiting for a revision, over all threads. */
  waiting(revision: number): number {
    return Atomics.load(this.#waiting, revision);
  }

  /** A rank in the revision's queue: lower is earlier, over all threads. Never 0. */
  ticket(revision: number): number {
    const ticket = Atomics.add(this.#tickets, revision, 1) + 1;
    return ticket | 0 || this.ticket(revision);
  }

  /** Publishes the first ticket of this thread's queue. It is stored before the count that makes other threads look. */
  setHead(thread: number, revision: number, ticket: number): void {
    Atomics.store(this.#heads[thread] as Int32Array, revision, ticket);
  }

  headOf(thread: number, revision: number): number {
    return Atomics.load(this.#heads[thread] as Int32Array, revision);
  }

  addWaiting(thread: number, revision: number, delta: number): void {
    Atomics.add(this.#ownWaiting[thread] as Int32Array, revision, delta);
    Atomics.add(this.#waiting, revision, delta);
  }

  /** The thread with the earliest first ticket, or -1 when no request waits. */
  firstInQueue(revision: number): number {
    let first = -1;
    let earliest = 0;
    for (let thread = 0; thread < this.threads; thread++) {
      const ticket = Atomics.load(this.#heads[thread] as Int32Array, revision);
      // Tickets wrap around after 2^32 requests, so they are compared by their difference.
      if (ticket !== 0 && (first < 0 || ((ticket - earliest) | 0) < 0)) {
        first = thread;
        earliest = ticket;
      }
    }
    return first;
  }

  /** Releases what a thread that ended held: its requests ended with its sockets. Writes only what is not zero. */
  forget(thread: number): void {
    const heads = this.#heads[thread] as Int32Array;
    subtract(this.#own[thread] as Int32Array, this.#inFlight);
    subtract(this.#ownWaiting[thread] as Int32Array, this.#waiting);
    for (let revision = 0; revision < MAX_REVISIONS; revision++) {
      if (Atomics.load(heads, revision) !== 0) Atomics.store(heads, revision, 0);
    }
    this.usage.forget(thread);
  }
}

/** Subtracts one thread's share from the sums. A page that is only read costs no memory, so zeros are left alone. */
function subtract(own: Int32Array, sums: Int32Array): void {
  for (let i = 0; i < own.length; i++) {
    if (Atomics.load(own, i) === 0) continue;
    Atomics.sub(sums, i, Atomics.exchange(own, i, 0));
  }
}
