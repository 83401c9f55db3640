import { clock } from './clock.ts';
import type { Link, RevisionEntry } from './messages.ts';
import type { Slots } from './slots.ts';
import type { StatsWriter } from './stats.ts';
import type { Instance } from './upstream/instance.ts';

/** Requests that may wait for one revision, over all threads; each costs memory and an open connection. */
export const MAX_WAITING = 10_000;
/** How often a thread repeats that it needs an instance, should the first word have been lost or undone. */
const WANTED_EVERY_MS = 1000;

export type Rejection = 'timeout' | 'full' | 'gone' | 'stopped';

/** What a client is told when it asks a service that a person has set to no instance. */
export const STOPPED = 'The service is stopped: its manual instance count is 0.';

/** A request that waits for a place in an instance; the links of the line live in it. */
export interface Waiter {
  readonly arrivedAt: number;
  ticket: number;
  ahead: Waiter | undefined;
  behind: Waiter | undefined;
  waiting: boolean;
  admitted(instance: Instance): void;
  rejected(why: Rejection): void;
}

/** What the throttlers of one thread share. */
export interface ThrottlerShared {
  readonly thread: number;
  readonly slots: Slots;
  readonly stats: StatsWriter;
  readonly link: Link;
  /** Makes another thread look at its line for a revision. */
  wake(thread: number, revision: number): void;
  /** Throttlers that have somebody waiting; the thread calls their `tick`. */
  readonly waiting: { add(throttler: Throttler): void; delete(throttler: Throttler): void };
}

/**
 * Lets as many requests into each instance of a revision as its limit allows and keeps the others in line, first come
 * first served over all threads (container contract, Startup and Concurrency).
 *
 * No place is lost and none is given twice: the counts are compare-and-swap, whoever joins the line looks for a place
 * after having been counted, and whoever frees a place looks at the line after having freed it.
 */
export class Throttler {
  entry: RevisionEntry;
  readonly #shared: ThrottlerShared;
  readonly #instances: Instance[] = [];
  #first: Waiter | undefined;
  #last: Waiter | undefined;
  #length = 0;
  #start = 0;
  #wantedAt = Number.NEGATIVE_INFINITY;
  #admitting = false;
  #again = false;

  constructor(entry: RevisionEntry, shared: ThrottlerShared) {
    this.entry = entry;
    this.#shared = shared;
  }

  get length(): number {
    return this.#length;
  }

  get instances(): readonly Instance[] {
    return this.#instances;
  }

  /** A place for a request that has just come, or undefined when it was put in line or rejected. */
  enter(waiter: Waiter): Instance | undefined {
    const { slots } = this.#shared;
    const { index, stopped } = this.entry;
    if (stopped) {
      waiter.rejected('stopped');
      return undefined;
    }
    const waiting = slots.waiting(index);
    if (waiting === 0) {
      const instance = this.#pick();
      if (instance) return instance;
    }
    if (waiting >= MAX_WAITING) {
      waiter.rejected('full');
      return undefined;
    }
    waiter.ticket = slots.ticket(index);
    this.#append(waiter);
    this.#want();
    this.admit();
    return undefined;
  }

  /** Puts a request that no instance accepted before all others. */
  reenter(waiter: Waiter): void {
    const { slots, thread } = this.#shared;
    const { index, stopped } = this.entry;
    if (stopped) {
      waiter.rejected('stopped');
      return;
    }
    const first = slots.firstInLine(index);
    waiter.ticket = first < 0 ? slots.ticket(index) : slots.headOf(first, index) - 1 || -1;
    waiter.waiting = true;
    waiter.ahead = undefined;
    waiter.behind = this.#first;
    if (this.#first) this.#first.ahead = waiter;
    else this.#last = waiter;
    this.#first = waiter;
    slots.setHead(thread, index, waiter.ticket);
    this.#counted(1);
    this.#want();
    this.admit();
  }

  /** The client of a waiting request has gone. */
  remove(waiter: Waiter): void {
    if (waiter.waiting) this.#unlink(waiter);
  }

  /** A request has left its instance; the place goes to who waits longest. */
  leave(instance: Instance): void {
    const { slots, thread } = this.#shared;
    slots.release(thread, instance.slot);
    instance.released();
    if (slots.waiting(this.entry.index) > 0) this.admit();
  }

  addInstance(instance: Instance): void {
    this.#instances.push(instance);
    this.#wantedAt = Number.NEGATIVE_INFINITY;
    this.admit();
  }

  removeInstance(instance: Instance): void {
    const at = this.#instances.indexOf(instance);
    if (at >= 0) this.#instances.splice(at, 1);
    if (this.#first) this.#want();
  }

  /** Gives free places to those first in line, here or in another thread. */
  admit(): void {
    if (this.#admitting) {
      this.#again = true;
      return;
    }
    this.#admitting = true;
    do {
      this.#again = false;
      this.#admitSome();
    } while (this.#again);
    this.#admitting = false;
  }

  /** Called a few times per second while somebody waits: time limits, and a second look should a wake-up be lost. */
  tick(now: number): void {
    while (this.#first && now - this.#first.arrivedAt > this.entry.queueLimitMs) {
      const waiter = this.#first;
      this.#unlink(waiter);
      waiter.rejected('timeout');
    }
    if (this.#first) this.#want(now);
    this.admit();
  }

  /** What is known of the revision has changed. */
  update(entry: RevisionEntry): void {
    this.entry = entry;
    if (entry.stopped) this.dispose('stopped');
  }

  /** Nobody waits for the revision any more: it has gone, or it is set to no instance. */
  dispose(why: Rejection = 'gone'): void {
    while (this.#first) {
      const waiter = this.#first;
      this.#unlink(waiter);
      waiter.rejected(why);
    }
  }

  #admitSome(): void {
    const { slots, thread } = this.#shared;
    const { index } = this.entry;
    while (slots.waiting(index) > 0) {
      const owner = slots.firstInLine(index);
      if (owner < 0) return;
      if (owner !== thread) {
        if (this.#hasPlace()) this.#shared.wake(owner, index);
        return;
      }
      const waiter = this.#first;
      if (!waiter) return;
      const instance = this.#pick();
      if (!instance) return;
      this.#unlink(waiter);
      waiter.admitted(instance);
    }
  }

  /** Takes a place in the instance with the fewest requests in flight. */
  #pick(): Instance | undefined {
    const instances = this.#instances;
    const count = instances.length;
    const { slots, thread } = this.#shared;
    const { limit } = this.entry;
    for (;;) {
      let best: Instance | undefined;
      let fewest = limit;
      // Starting one further each time spreads requests over equally loaded instances.
      this.#start = this.#start + 1 < count ? this.#start + 1 : 0;
      let at = this.#start;
      for (let i = 0; i < count; i++) {
        const instance = instances[at] as Instance;
        const inFlight = slots.inFlight(instance.slot);
        if (inFlight < fewest) {
          best = instance;
          fewest = inFlight;
          if (inFlight === 0) break;
        }
        at = at + 1 < count ? at + 1 : 0;
      }
      if (!best) return undefined;
      if (slots.acquire(thread, best.slot, limit)) {
        best.taken();
        return best;
      }
    }
  }

  #hasPlace(): boolean {
    const { slots } = this.#shared;
    return this.#instances.some((instance) => slots.inFlight(instance.slot) < this.entry.limit);
  }

  #append(waiter: Waiter): void {
    const { slots, thread } = this.#shared;
    waiter.waiting = true;
    waiter.ahead = this.#last;
    waiter.behind = undefined;
    if (this.#last) this.#last.behind = waiter;
    else {
      this.#first = waiter;
      slots.setHead(thread, this.entry.index, waiter.ticket);
    }
    this.#last = waiter;
    this.#counted(1);
  }

  #unlink(waiter: Waiter): void {
    const { slots, thread } = this.#shared;
    if (waiter.behind) waiter.behind.ahead = waiter.ahead;
    else this.#last = waiter.ahead;
    if (waiter.ahead) waiter.ahead.behind = waiter.behind;
    else {
      this.#first = waiter.behind;
      slots.setHead(thread, this.entry.index, this.#first?.ticket ?? 0);
    }
    waiter.waiting = false;
    waiter.ahead = undefined;
    waiter.behind = undefined;
    this.#counted(-1);
  }

  #counted(delta: 1 | -1): void {
    const { slots, stats, thread, waiting } = this.#shared;
    this.#length += delta;
    slots.addWaiting(thread, this.entry.index, delta);
    stats.queued(this.entry.index, delta);
    if (this.#length > 0) waiting.add(this);
    else waiting.delete(this);
  }

  #want(now = clock()): void {
    if (this.#instances.length > 0 || now - this.#wantedAt < WANTED_EVERY_MS) return;
    this.#wantedAt = now;
    this.#shared.link.send({ kind: 'wanted', revision: this.entry.key });
  }
}
