import { clock } from '../shared/clock.ts';
import type { Slots } from '../shared/slots.ts';
import type { Instance } from './upstream/instance.ts';

/** The instances of a revision that one thread may send requests to, and the choice among them. */
export class InstancePool {
  readonly #thread: number;
  readonly #slots: Slots;
  readonly #instances: Instance[] = [];
  readonly #byCookie = new Map<string, Instance>();
  #start = 0;
  /** When the last of the ejected instances may get requests again; 0 when none is ejected. */
  #ejectedUntil = 0;

  constructor(thread: number, slots: Slots) {
    this.#thread = thread;
    this.#slots = slots;
  }

  get size(): number {
    return this.#instances.length;
  }

  add(instance: Instance): void {
    this.#instances.push(instance);
    this.setCookie(instance, instance.cookie);
  }

  remove(instance: Instance): void {
    const at = this.#instances.indexOf(instance);
    if (at >= 0) this.#instances.splice(at, 1);
    this.#forgetCookie(instance);
  }

  /** Clients with this cookie are bound to the instance from now on, and those with the one before to none. */
  setCookie(instance: Instance, cookie: string | undefined): void {
    this.#forgetCookie(instance);
    instance.cookie = cookie;
    if (cookie !== undefined) this.#byCookie.set(cookie, instance);
  }

  /** Whether an instance could take one more request. @param limit requests in flight in one instance. */
  hasFreeSlot(limit: number): boolean {
    return this.#instances.some(({ slot }) => this.#slots.inFlight(slot) < limit);
  }

  /**
   * Takes a slot in the instance with the fewest requests in flight; undefined when none is free.
   * @param cookie of a client that is bound to an instance: that one is taken if it has a free slot and is not ejected.
   */
  take(limit: number, cookie?: string): Instance | undefined {
    const now = this.#ejectedUntil > 0 ? this.#whileEjected() : 0;
    const bound = cookie === undefined ? undefined : this.#boundTo(cookie, limit, now);
    if (bound) return bound;
    for (;;) {
      const best = this.#emptiest(limit, now);
      if (!best) return undefined;
      if (this.#slots.acquire(this.#thread, best.slot, limit)) {
        best.taken();
        return best;
      }
    }
  }

  /** An instance aborted a request, or its response was not valid HTTP. @returns whether it is ejected now. */
  failed(instance: Instance): boolean {
    const now = clock();
    const others = this.#instances.some((other) => other !== instance && other.ejection.until <= now);
    // The last one is better than none.
    if (!others || !instance.ejection.failed(now)) return false;
    this.#ejectedUntil = Math.max(this.#ejectedUntil, instance.ejection.until);
    return true;
  }

  /** Another instance may have the cookie: a pod that is added again before it is removed. */
  #forgetCookie(instance: Instance): void {
    const { cookie } = instance;
    if (cookie !== undefined && this.#byCookie.get(cookie) === instance) this.#byCookie.delete(cookie);
  }

  #boundTo(cookie: string, limit: number, now: number): Instance | undefined {
    const instance = this.#byCookie.get(cookie);
    if (!instance || (now > 0 && instance.ejection.until > now)) return undefined;
    if (!this.#slots.acquire(this.#thread, instance.slot, limit)) return undefined;
    instance.taken();
    return instance;
  }

  /** @param now leaves out those that are ejected at this time; 0 leaves out none. */
  #emptiest(limit: number, now: number): Instance | undefined {
    const instances = this.#instances;
    const count = instances.length;
    let best: Instance | undefined;
    let fewest = limit;
    // Starting one further each time spreads requests over equally loaded instances.
    this.#start = this.#start + 1 < count ? this.#start + 1 : 0;
    let at = this.#start;
    for (let i = 0; i < count; i++) {
      const instance = instances[at] as Instance;
      at = at + 1 < count ? at + 1 : 0;
      if (now > 0 && instance.ejection.until > now) continue;
      const inFlight = this.#slots.inFlight(instance.slot);
      if (inFlight < fewest) {
        best = instance;
        fewest = inFlight;
        if (inFlight === 0) break;
      }
    }
    return best;
  }

  /** The time by which instances are ejected; 0 when none is, or when all are. */
  #whileEjected(): number {
    const now = clock();
    if (this.#ejectedUntil <= now) {
      this.#ejectedUntil = 0;
      return 0;
    }
    return this.#instances.some(({ ejection }) => ejection.until <= now) ? now : 0;
  }
}
