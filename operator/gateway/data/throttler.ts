import { clock } from '../shared/clock.ts';
import type { Limits } from '../shared/limits.ts';
import type { Link, RevisionEntry } from '../shared/messages.ts';
import type { Slots } from '../shared/slots.ts';
import type { StatsWriter } from '../shared/stats.ts';
import { QUEUED, queuedFrom, type UsageWriter } from '../shared/usage.ts';
import type { Budget } from './budget.ts';
import { InstancePool } from './instancePool.ts';
import { Queue, QueueEntry, type Source } from './queue.ts';
import type { Instance } from './upstream/instance.ts';

/** Requests that may wait for one revision, over all threads; each costs memory and an open connection. */
export const MAX_WAITING = 10_000;
/** How often a thread repeats that it needs an instance, should the first word have been lost or undone. */
const WANTED_EVERY_MS = 1000;

/** Why a request does not wait any longer, or not at all. */
export type QueueRejection =
  /** Its time to wait is over. */
  | 'timeout'
  /** Its time to wait is over, and no instance can start. */
  | 'failing'
  /** Too many wait for the revision. */
  | 'full'
  /** Too many of the same client wait. */
  | 'address'
  /** Too many wait in this process. */
  | 'crowded'
  /** There is no memory for one more. */
  | 'memory'
  /** The revision was deleted. */
  | 'gone'
  /** A person has set the service to no instance. */
  | 'stopped';

/** A request that may have to wait for a slot in an instance. */
export interface Waiter {
  readonly arrivedAt: number;
  readonly source: Source;
  /** Bytes of memory that it holds while it waits. */
  readonly weight: number;
  /** Where it waits. */
  place: QueueEntry<Waiter> | undefined;
  admitted(instance: Instance): void;
  rejected(why: QueueRejection): void;
  /** Called a few times per second: leaves the queue if its client has gone, which is not always told. */
  checkClient(): void;
}

/** What the throttlers of one thread share. */
export interface ThrottlerShared {
  readonly thread: number;
  readonly slots: Slots;
  readonly stats: StatsWriter;
  readonly link: Link;
  readonly usage: UsageWriter;
  /** Memory for requests that wait. */
  readonly requests: Budget;
  readonly limits: Pick<Limits, 'queue' | 'queuePerAddress'>;
  /** Makes another thread look at its line for a revision. */
  wake(thread: number, revision: number): void;
  /** Throttlers that have somebody waiting; the thread calls their `tick`. */
  readonly waiting: { add(throttler: Throttler): void; delete(throttler: Throttler): void };
}

/**
 * Lets as many requests into each instance of a revision as its limit allows and keeps the others in line, first come
 * first served over all threads (container contract, Startup and Concurrency); connections with several requests take
 * turns with the others.
 *
 * No place is lost and none is given twice: the counts are compare-and-swap, whoever joins the line looks for a place
 * after having been counted, and whoever frees a place looks at the line after having freed it.
 */
export class Throttler {
  entry: RevisionEntry;
  readonly #shared: ThrottlerShared;
  readonly #pool: InstancePool;
  readonly #line: Queue<Waiter>;
  #head = 0;
  #wantedAt = Number.NEGATIVE_INFINITY;
  #admitting = false;
  #again = false;

  constructor(entry: RevisionEntry, shared: ThrottlerShared) {
    this.entry = entry;
    this.#shared = shared;
    this.#pool = new InstancePool(shared.thread, shared.slots);
    this.#line = new Queue(() => shared.slots.ticket(this.entry.index));
  }

  /** Whether requests wait in vain: the controller says that no instance can start, and none is there after all. */
  get isFailing(): boolean {
    return this.entry.failing !== undefined && this.#pool.size === 0;
  }

  get length(): number {
    return this.#line.length;
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
      const instance = this.#pool.take(this.entry.limit);
      if (instance) return instance;
    }
    const refusal = this.#refusal(waiter, waiting);
    if (refusal) {
      waiter.rejected(refusal);
      return undefined;
    }
    const place = new QueueEntry<Waiter>(waiter, waiter.source, waiter.arrivedAt);
    waiter.place = place;
    this.#line.push(place);
    waiter.source.waits();
    this.#added(place);
    return undefined;
  }

  /** Puts a request that no instance accepted before all others. */
  reenter(waiter: Waiter): void {
    const { slots, requests } = this.#shared;
    const { index, stopped } = this.entry;
    if (stopped) {
      waiter.rejected('stopped');
      return;
    }
    const first = slots.firstInLine(index);
    const ticket = first < 0 ? slots.ticket(index) : slots.headOf(first, index) - 1 || -1;
    const place = new QueueEntry<Waiter>(waiter, waiter.source, waiter.arrivedAt);
    waiter.place = place;
    requests.force(index, waiter.weight);
    this.#line.unshift(place, ticket);
    this.#added(place);
  }

  /** The client of a waiting request has gone. */
  remove(waiter: Waiter): void {
    if (waiter.place && this.#removed(waiter.place)) this.admit();
  }

  /** A request has left its instance; the place goes to who waits longest. */
  leave(instance: Instance): void {
    const { slots, thread } = this.#shared;
    slots.release(thread, instance.slot);
    instance.released();
    if (slots.waiting(this.entry.index) > 0) this.admit();
  }

  addInstance(instance: Instance): void {
    this.#pool.add(instance);
    this.#wantedAt = Number.NEGATIVE_INFINITY;
    this.admit();
  }

  removeInstance(instance: Instance): void {
    this.#pool.remove(instance);
    if (this.#line.first) this.#want();
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
    for (let place = this.#line.oldest; place; place = this.#line.oldest) {
      if (now - place.arrivedAt <= this.entry.queueLimitMs) break;
      this.#removed(place);
      place.waiter.rejected(this.isFailing ? 'failing' : 'timeout');
    }
    let place = this.#line.oldest;
    while (place) {
      const { newer, waiter } = place;
      waiter.checkClient();
      place = newer;
    }
    if (this.#line.first) this.#want(now);
    this.admit();
  }

  /** What is known of the revision has changed. */
  update(entry: RevisionEntry): void {
    this.entry = entry;
    if (entry.stopped) this.dispose('stopped');
  }

  /** Nobody waits for the revision any more: it has gone, or it is set to no instance. */
  dispose(why: QueueRejection = 'gone'): void {
    for (let place = this.#line.oldest; place; place = this.#line.oldest) {
      this.#removed(place);
      place.waiter.rejected(why);
    }
  }

  #admitSome(): void {
    const { slots, thread } = this.#shared;
    const { index } = this.entry;
    while (slots.waiting(index) > 0) {
      const owner = slots.firstInLine(index);
      if (owner < 0) return;
      if (owner !== thread) {
        if (this.#pool.hasFreeSlot(this.entry.limit)) this.#shared.wake(owner, index);
        return;
      }
      const place = this.#line.first;
      if (!place) return;
      const instance = this.#pool.take(this.entry.limit);
      if (!instance) return;
      this.#removed(place);
      this.#shared.usage.waited(clock() - place.arrivedAt);
      place.waiter.admitted(instance);
    }
  }

  /** A request ended as it should: the instance is well. */
  succeeded(instance: Instance): void {
    instance.ejection.succeeded();
  }

  /** The instance broke a request off, or did not answer with HTTP. */
  failed(instance: Instance): void {
    if (this.#pool.failed(instance)) this.#shared.usage.count('ejected');
  }

  /** Why a request may not wait; if it may, the memory for it is taken. */
  #refusal({ source, weight }: Waiter, waiting: number): QueueRejection | undefined {
    const { usage, requests, limits } = this.#shared;
    if (waiting >= MAX_WAITING) return 'full';
    if (usage.get(QUEUED) >= limits.queue) return 'crowded';
    if (usage.get(queuedFrom(source.address)) >= limits.queuePerAddress) return 'address';
    return requests.take(this.entry.index, weight) ? undefined : 'memory';
  }

  #added(place: QueueEntry<Waiter>): void {
    this.#publishHead();
    this.#counted(place.source, 1);
    this.#want();
    this.admit();
  }

  /** @returns whether another request took its turn, which may be admitted. */
  #removed(place: QueueEntry<Waiter>): boolean {
    const { waiter, source } = place;
    const promoted = this.#line.remove(place);
    waiter.place = undefined;
    this.#publishHead();
    this.#shared.requests.give(this.entry.index, waiter.weight);
    this.#counted(source, -1);
    return promoted;
  }

  #publishHead(): void {
    const head = this.#line.first?.ticket ?? 0;
    if (head === this.#head) return;
    this.#head = head;
    const { slots, thread } = this.#shared;
    slots.setHead(thread, this.entry.index, head);
  }

  #counted(source: Source, delta: 1 | -1): void {
    const { slots, stats, thread, usage, waiting } = this.#shared;
    usage.add(QUEUED, delta);
    usage.add(queuedFrom(source.address), delta);
    slots.addWaiting(thread, this.entry.index, delta);
    stats.queued(this.entry.index, delta);
    if (this.#line.length > 0) waiting.add(this);
    else waiting.delete(this);
  }

  #want(now = clock()): void {
    if (this.#pool.size > 0 || now - this.#wantedAt < WANTED_EVERY_MS) return;
    this.#wantedAt = now;
    this.#shared.link.send({ kind: 'wanted', revision: this.entry.key });
  }
}
