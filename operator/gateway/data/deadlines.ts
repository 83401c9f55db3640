import { clock } from '../shared/clock.ts';

/** An object with a deadline; it holds the links of its list, so a deadline allocates nothing. */
export interface Timed {
  expiresAt: number;
  earlier: Timed | undefined;
  later: Timed | undefined;
  deadlineList: DeadlineList | undefined;
  /** Called once when the time has passed; the deadline is already removed. */
  expired(): void;
  /** Another gateway may take over what this one sends to instances. */
  fenced?(): void;
}

interface DeadlineList {
  readonly duration: number;
  first: Timed | undefined;
  last: Timed | undefined;
}

/** How late a deadline may fire. Time limits are whole seconds (container contract, timeoutSeconds). */
const TICK_MS = 50;

/**
 * Deadlines for many requests with few different durations: one list per duration, in which what was added first
 * expires first. Adding and removing are a few assignments, and a single timer runs while there is any deadline.
 */
export class Deadlines {
  readonly #lists = new Map<number, DeadlineList>();
  readonly #failed: (error: unknown) => void;
  #size = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param failed is given what an item's `expired` threw; the other items go on. */
  constructor(failed: (error: unknown) => void = () => {}) {
    this.#failed = failed;
  }

  /** @throws when the item has a deadline already: it would be in two lists, or in one twice. */
  add(item: Timed, duration: number, now: number): void {
    if (item.deadlineList) throw new Error('the item has a deadline already');
    let list = this.#lists.get(duration);
    if (!list) {
      list = { duration, first: undefined, last: undefined };
      this.#lists.set(duration, list);
    }
    item.expiresAt = now + duration;
    item.deadlineList = list;
    item.earlier = list.last;
    item.later = undefined;
    if (list.last) list.last.later = item;
    else list.first = item;
    list.last = item;
    this.#size++;
    this.#timer ??= setInterval(() => this.tick(clock()), TICK_MS).unref();
  }

  remove(item: Timed): void {
    const list = item.deadlineList;
    if (!list) return;
    if (item.earlier) item.earlier.later = item.later;
    else list.first = item.later;
    if (item.later) item.later.earlier = item.earlier;
    else list.last = item.earlier;
    item.deadlineList = undefined;
    item.earlier = undefined;
    item.later = undefined;
    this.#size--;
  }

  /** Tells all items that another gateway may take over. */
  fence(): void {
    const items: Timed[] = [];
    for (const list of this.#lists.values()) {
      for (let item = list.first; item; item = item.later) items.push(item);
    }
    for (const item of items) item.fenced?.();
  }

  get size(): number {
    return this.#size;
  }

  /** Expires the items whose time has passed. @param now `clock()`, in ms. */
  tick(now: number): void {
    for (const list of this.#lists.values()) {
      for (let item = list.first; item && item.expiresAt <= now; item = list.first) {
        this.remove(item);
        try {
          item.expired();
        } catch (error) {
          this.#failed(error);
        }
      }
      if (!list.first) this.#lists.delete(list.duration);
    }
    if (this.#size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
