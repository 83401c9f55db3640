import { queueAdds, queueDepth, queueLatency, queueRetries, workDuration } from '../telemetry/metrics.ts';
import { type Clock, systemClock } from './clock.ts';
import { Heap } from './heap.ts';

/** Higher goes first. People's changes are `normal`; what was there at startup can wait. */
export const PRIORITY = { low: -100, normal: 0, high: 100 } as const;

export interface AddOptions {
  /** Not before so many milliseconds from now; 0 when left out. */
  delayMs?: number;
  /** `PRIORITY.normal` when left out. */
  priority?: number;
}

export interface WorkQueueOptions {
  /** Its name in metrics. */
  name: string;
  clock?: Clock;
  random?: () => number;
  /** The delay after a key's first failure; it doubles with each. */
  baseDelayMs?: number;
  maxDelayMs?: number;
}

/** A key that waits: for its time (`due` ahead), for a worker, or for the worker that has the key to finish. */
interface Entry {
  key: string;
  due: number;
  priority: number;
  /** When a worker could have taken it. */
  readyAt: number;
  state: 'delayed' | 'ready' | 'held';
}

interface Delayed {
  at: number;
  entry: Entry;
}

/** Each so many takes the key that waited longest goes first, whatever its priority: nothing starves. */
const FAIR_TAKE = 8;

/**
 * Keys to work on. A key is in the queue once, however often it is added: the earliest time and the highest
 * priority win. A key is with one worker at a time; added meanwhile, it comes again when that worker is done.
 */
export class WorkQueue {
  readonly name: string;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #baseDelayMs: number;
  readonly #maxDelayMs: number;
  readonly #entries = new Map<string, Entry>();
  // Ready keys by priority, oldest first; empty ones stay, as there are few priorities.
  readonly #ready = new Map<number, Set<Entry>>();
  // May hold entries that were moved or replaced since; they are passed over when their time comes.
  readonly #delayed = new Heap<Delayed>((item) => item.at);
  readonly #working = new Map<string, number>();
  readonly #failures = new Map<string, number>();
  readonly #waiters = new Set<(key: string) => void>();
  #readyCount = 0;
  #takes = 0;
  #alarm: { at: number; cancel: () => void } | undefined;

  constructor(options: WorkQueueOptions) {
    this.name = options.name;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#baseDelayMs = options.baseDelayMs ?? 5;
    this.#maxDelayMs = options.maxDelayMs ?? 300_000;
    queueDepth.set({ name: this.name }, 0);
  }

  /** Keys that a worker could take now. */
  get length(): number {
    return this.#readyCount;
  }

  /** The key that a worker has had for longest, and for how many milliseconds; undefined when all workers are idle. */
  get longestWork(): { key: string; ms: number } | undefined {
    // In the order in which they were taken.
    const [first] = this.#working;
    return first && { key: first[0], ms: this.#clock.now() - first[1] };
  }

  /** Timers kept for delayed keys, those that are void too. */
  get scheduled(): number {
    return this.#delayed.size;
  }

  add(key: string, { delayMs = 0, priority = PRIORITY.normal }: AddOptions = {}): void {
    queueAdds.inc({ name: this.name });
    const due = this.#clock.now() + Math.max(delayMs, 0);
    const entry = this.#entries.get(key);
    if (!entry) this.#insert({ key, due, priority, readyAt: due, state: 'delayed' });
    else this.#merge(entry, due, priority);
  }

  /** Adds `key` again after a delay that grows with each failure since the last {@link forget}. */
  retry(key: string, priority: number = PRIORITY.normal): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    queueRetries.inc({ name: this.name });
    const step = Math.min(this.#baseDelayMs * 2 ** Math.min(failures, 50), this.#maxDelayMs);
    this.add(key, { delayMs: step * (1 - this.#random() / 4), priority });
  }

  /** How often `key` failed since it was last forgotten. */
  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** Forgets a key's failures: the next retry begins at the shortest delay. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** The next key, which is the caller's until {@link done}; undefined once `signal` aborts. */
  take(signal: AbortSignal): Promise<string | undefined> {
    if (signal.aborted) return Promise.resolve(undefined);
    const entry = this.#next();
    if (entry) return Promise.resolve(this.#start(entry));
    return new Promise((resolve) => {
      const give = (key: string) => {
        signal.removeEventListener('abort', stop);
        resolve(key);
      };
      const stop = () => {
        this.#waiters.delete(give);
        resolve(undefined);
      };
      signal.addEventListener('abort', stop, { once: true });
      this.#waiters.add(give);
    });
  }

  /** Gives a key back; if it was added meanwhile, it is up again. */
  done(key: string): void {
    const startedAt = this.#working.get(key);
    if (startedAt === undefined) return;
    this.#working.delete(key);
    workDuration.observe({ name: this.name }, (this.#clock.now() - startedAt) / 1000);
    const entry = this.#entries.get(key);
    if (entry?.state === 'held') this.#offer(entry);
  }

  #insert(entry: Entry): void {
    this.#entries.set(entry.key, entry);
    if (entry.due > this.#clock.now()) this.#delay(entry);
    else this.#release(entry);
  }

  #merge(entry: Entry, due: number, priority: number): void {
    const raised = Math.max(entry.priority, priority);
    if (entry.state === 'ready' && raised !== entry.priority) {
      this.#readyAt(entry.priority).delete(entry);
      this.#readyAt(raised).add(entry);
    }
    entry.priority = raised;
    if (entry.state !== 'delayed' || due >= entry.due) return;
    entry.due = due;
    if (due > this.#clock.now()) this.#delay(entry);
    else this.#release(entry);
  }

  #delay(entry: Entry): void {
    this.#delayed.push({ at: entry.due, entry });
    // Keys that are asked for again and again long before their time must not pile up.
    if (this.#delayed.size > 2 * this.#entries.size + 64) this.#delayed.retain(isLive);
    this.#setAlarm();
  }

  /** An entry whose time has come. */
  #release(entry: Entry): void {
    if (this.#working.has(entry.key)) entry.state = 'held';
    else this.#offer(entry);
  }

  #offer(entry: Entry): void {
    entry.state = 'ready';
    entry.readyAt = this.#clock.now();
    this.#readyAt(entry.priority).add(entry);
    this.#count(1);
    for (const give of this.#waiters) {
      const next = this.#next();
      if (!next) return;
      this.#waiters.delete(give);
      give(this.#start(next));
    }
  }

  #start(entry: Entry): string {
    const now = this.#clock.now();
    this.#readyAt(entry.priority).delete(entry);
    this.#count(-1);
    this.#entries.delete(entry.key);
    this.#working.set(entry.key, now);
    queueLatency.observe({ name: this.name }, (now - entry.readyAt) / 1000);
    return entry.key;
  }

  #next(): Entry | undefined {
    if (this.#readyCount === 0) return undefined;
    const oldest = ++this.#takes % FAIR_TAKE === 0;
    let best: Entry | undefined;
    for (const entries of this.#ready.values()) {
      const [first] = entries;
      if (!first) continue;
      if (!best || (oldest ? first.readyAt < best.readyAt : first.priority > best.priority)) best = first;
    }
    return best;
  }

  #readyAt(priority: number): Set<Entry> {
    let entries = this.#ready.get(priority);
    if (!entries) {
      entries = new Set();
      this.#ready.set(priority, entries);
    }
    return entries;
  }

  #count(change: number): void {
    this.#readyCount += change;
    queueDepth.set({ name: this.name }, this.#readyCount);
  }

  /** One timer for all delayed keys, at the earliest. */
  #setAlarm(): void {
    const earliest = this.#delayed.peek();
    if (!earliest || (this.#alarm && this.#alarm.at <= earliest.at)) return;
    this.#alarm?.cancel();
    const { at } = earliest;
    // A key that is due in minutes must not hold up the end of a process whose workers have stopped.
    const cancel = this.#clock.after(at - this.#clock.now(), () => this.#ring(), { ref: false });
    this.#alarm = { at, cancel };
  }

  #ring(): void {
    this.#alarm = undefined;
    const now = this.#clock.now();
    for (let item = this.#delayed.peek(); item && item.at <= now; item = this.#delayed.peek()) {
      this.#delayed.pop();
      if (isLive(item)) this.#release(item.entry);
    }
    this.#setAlarm();
  }
}

function isLive({ entry, at }: Delayed): boolean {
  return entry.state === 'delayed' && entry.due === at;
}
