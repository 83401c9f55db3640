import { clock } from '../shared/clock.ts';
import type { Limits } from '../shared/limits.ts';
import type { Link, RevisionEntry } from '../shared/messages.ts';
import type { Slots } from '../shared/slots.ts';
import type { StatsWriter } from '../shared/stats.ts';
import { QUEUED, queuedFrom, type UsageWriter } from '../shared/usage.ts';
import type { Budget } from './budget.ts';
import { InstancePool } from './instancePool.ts';
import { Queue, QueueEntry, type Source } from './queue.ts';
import type { QueueRejection } from './queueRejections.ts';
import type { Instance } from './upstream/instance.ts';

/** Requests that may wait for one revision, over all threads; each costs memory and an open connection. */
export const MAX_WAITING = 10_000;
/** How often a thread repeats that it needs an instance, should the first message have been lost or undone. */
const WANTED_EVERY_MS = 1000;

/** A request that may have to wait for a slot in an instance. */
export interface Waiter {
  readonly arrivedAt: number;
  readonly source: Source;
  /** Bytes of memory that it holds while it waits. */
  readonly weight: number;
  /** The affinity cookie of its client, where the revision has session affinity. */
  readonly affinity: string | undefined;
  /** Its entry in the queue while it waits. */
  queueEntry: QueueEntry<Waiter> | undefined;
  admitted(instance: Instance): void;
  rejected(why: QueueRejection): void;
  /** Called a few times per second: leaves the queue if its client has gone, which no event may have reported. */
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
  /** Makes another thread look at its queue for a revision. */
  wake(thread: number, revision: number): void;
  /** Throttlers with waiting requests; the thread calls their `tick`. */
  readonly waiting: { add(throttler: Throttler): void; delete(throttler: Throttler): void };
}

/**
 * Admits as many requests to each instance of a revision as its limit allows and queues the others, first come, first
 * served over all threads (container contract, Startup and Concurrency); connections with several requests take turns
 * with the others.
 *
 * No slot is lost and none is given twice: the counts are compare-and-swap, a request that joins the queue looks for a
 * slot after it was counted, and one that frees a slot looks at the queue after freeing it.
 */
export class Throttler {
  entry: RevisionEntry;
  readonly #shared: ThrottlerShared;
  readonly #pool: InstancePool;
  readonly #queue: Queue<Waiter>;
  #head = 0;
  #wantedAt = Number.NEGATIVE_INFINITY;
  #readyAt = Number.NEGATIVE_INFINITY;
  #admitting = false;
  #again = false;

  constructor(entry: RevisionEntry, shared: ThrottlerShared) {
    this.entry = entry;
    this.#shared = shared;
    this.#pool = new InstancePool(shared.thread, shared.slots);
    this.#queue = new Queue(() => shared.slots.ticket(this.entry.index));
  }

  /** Whether requests wait in vain: the controller reports that no instance can start, and none is in the pool either. */
  get isFailing(): boolean {
    return this.entry.failing !== undefined && this.#pool.size === 0;
  }

  /** Whether the next request goes to the gateway that owns the revision, without waiting here. */
  get forwardsAtOnce(): boolean {
    const { placement, index } = this.entry;
    return placement === 'gateway' && this.#pool.size > 0 && this.#shared.slots.waiting(index) === 0;
  }

  /** When the first of the present instances could take requests, on `clock()`; `now` while there is none. */
  readyAt(now: number): number {
    return this.#pool.size > 0 ? this.#readyAt : now;
  }

  /** Takes a slot for a request that has just arrived; undefined when it was queued or rejected. */
  enter(waiter: Waiter): Instance | undefined {
    const { slots } = this.#shared;
    const { index, stopped } = this.entry;
    if (stopped) {
      waiter.rejected('stopped');
      return undefined;
    }
    const waiting = slots.waiting(index);
    if (waiting === 0) {
      const instance = this.#pool.take(this.entry.limit, waiter.affinity);
      if (instance) return instance;
    }
    const rejection = this.#rejectionOf(waiter, waiting);
    if (rejection) {
      waiter.rejected(rejection);
      return undefined;
    }
    const entry = new QueueEntry<Waiter>(waiter, waiter.source, waiter.arrivedAt);
    waiter.queueEntry = entry;
    this.#queue.push(entry);
    waiter.source.waits();
    this.#added(entry);
    return undefined;
  }

  /** Queues a request that its instance did not accept before all others. */
  reenter(waiter: Waiter): void {
    const { slots, requests } = this.#shared;
    const { index, stopped } = this.entry;
    if (stopped) {
      waiter.rejected('stopped');
      return;
    }
    const first = slots.firstInQueue(index);
    const ticket = first < 0 ? slots.ticket(index) : slots.headOf(first, index) - 1 || -1;
    const entry = new QueueEntry<Waiter>(waiter, waiter.source, waiter.arrivedAt);
    waiter.queueEntry = entry;
    requests.force(index, waiter.weight);
    this.#queue.unshift(entry, ticket);
    this.#added(entry);
  }

  /** The client of a waiting request has gone. */
  remove(waiter: Waiter): void {
    if (waiter.queueEntry && this.#removed(waiter.queueEntry)) this.admit();
  }

  /** A request has left its instance; its slot goes to the first in the queue. */
  leave(instance: Instance): void {
    const { slots, thread } = this.#shared;
    slots.release(thread, instance.slot);
    instance.released();
    if (slots.waiting(this.entry.index) > 0) this.admit();
  }

  addInstance(instance: Instance): void {
    if (this.#pool.size === 0) this.#readyAt = clock();
    this.#pool.add(instance);
    this.#wantedAt = Number.NEGATIVE_INFINITY;
    this.admit();
  }

  /** Clients are bound to the instance by another cookie from now on. */
  setCookie(instance: Instance, cookie: string | undefined): void {
    this.#pool.setCookie(instance, cookie);
  }

  removeInstance(instance: Instance): void {
    this.#pool.remove(instance);
    if (this.#queue.first) this.#requestInstance();
  }

  /** Gives free slots to the first in the queue, here or in another thread. */
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

  /** Called a few times per second while requests wait: queue limits, and another look should a wake-up be lost. */
  tick(now: number): void {
    for (let entry = this.#queue.oldest; entry; entry = this.#queue.oldest) {
      if (now - entry.arrivedAt <= this.entry.queueLimitMs) break;
      this.#removed(entry);
      entry.waiter.rejected(this.isFailing ? 'failing' : 'timeout');
    }
    let entry = this.#queue.oldest;
    while (entry) {
      const { newer, waiter } = entry;
      waiter.checkClient();
      entry = newer;
    }
    if (this.#queue.first) this.#requestInstance(now);
    this.admit();
  }

  /** The revision's entry has changed. */
  update(entry: RevisionEntry): void {
    this.entry = entry;
    if (entry.stopped) this.dispose('stopped');
  }

  /** Rejects all waiting requests: the revision was deleted, or its service is stopped. */
  dispose(why: QueueRejection = 'gone'): void {
    for (let entry = this.#queue.oldest; entry; entry = this.#queue.oldest) {
      this.#removed(entry);
      entry.waiter.rejected(why);
    }
  }

  #admitSome(): void {
    const { slots, thread } = this.#shared;
    const { index } = this.entry;
    while (slots.waiting(index) > 0) {
      const owner = slots.firstInQueue(index);
      if (owner < 0) return;
      if (owner !== thread) {
        if (this.#pool.hasFreeSlot(this.entry.limit)) this.#shared.wake(owner, index);
        return;
      }
      const entry = this.#queue.first;
      if (!entry) return;
      const instance = this.#pool.take(this.entry.limit, entry.waiter.affinity);
      if (!instance) return;
      this.#removed(entry);
      this.#shared.stats.histograms.waited(clock() - entry.arrivedAt);
      entry.waiter.admitted(instance);
    }
  }

  /** A request ended properly: the instance is healthy. */
  succeeded(instance: Instance): void {
    instance.ejection.succeeded();
  }

  /** The instance aborted a request, or its response was not valid HTTP. */
  failed(instance: Instance): void {
    if (this.#pool.failed(instance)) this.#shared.usage.count('ejected');
  }

  /** Why a request may not wait; if it may, the memory for it is taken. */
  #rejectionOf({ source, weight }: Waiter, waiting: number): QueueRejection | undefined {
    const { usage, requests, limits } = this.#shared;
    if (waiting >= MAX_WAITING) return 'full';
    if (usage.get(QUEUED) >= limits.queue) return 'crowded';
    if (usage.get(queuedFrom(source.address)) >= limits.queuePerAddress) return 'address';
    return requests.take(this.entry.index, weight) ? undefined : 'memory';
  }

  #added(entry: QueueEntry<Waiter>): void {
    this.#publishHead();
    this.#counted(entry.source, 1);
    this.#requestInstance();
    this.admit();
  }

  /** @returns whether another request of its connection became active, which may be admitted. */
  #removed(entry: QueueEntry<Waiter>): boolean {
    const { waiter, source } = entry;
    const promoted = this.#queue.remove(entry);
    waiter.queueEntry = undefined;
    this.#publishHead();
    this.#shared.requests.give(this.entry.index, waiter.weight);
    this.#counted(source, -1);
    return promoted;
  }

  #publishHead(): void {
    const head = this.#queue.first?.ticket ?? 0;
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
    if (this.#queue.length > 0) waiting.add(this);
    else waiting.delete(this);
  }

  #requestInstance(now = clock()): void {
    if (this.#pool.size > 0 || now - this.#wantedAt < WANTED_EVERY_MS) return;
    this.#wantedAt = now;
    this.#shared.link.send({ kind: 'wanted', revision: this.entry.key });
  }
}
