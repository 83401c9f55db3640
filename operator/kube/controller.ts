import { randomBytes } from 'node:crypto';
import type { Logger } from '../telemetry/log.ts';
import { reconciles } from '../telemetry/metrics.ts';
import { nextTurn } from './clock.ts';
import { isKubeError, isNamespaceTerminating, isUnanswered, StaleError, TerminalError } from './errors.ts';
import type { Change, Informer, Source } from './informer.ts';
import type { Store } from './store.ts';
import type { KubeObject } from './types.ts';
import { type AddOptions, PRIORITY, WorkQueue } from './workqueue.ts';

/** How a reconcile ended well: nothing more to do, or look again after a while. */
// biome-ignore lint/suspicious/noConfusingVoidType: a reconcile that returns nothing is done
export type Outcome = { requeueAfterMs?: number } | undefined | void;

/**
 * Brings the world nearer to what the object under `key` says; right from any state, as often as it is called.
 * `signal` aborts when the controller stops: a running reconcile may finish, but should start nothing long.
 * `log` carries the key and an id for this run.
 */
export type Reconcile = (key: string, signal: AbortSignal, log: Logger) => Promise<Outcome>;

export interface ControllerOptions {
  name: string;
  /** Keys worked on at a time; 1 when left out. */
  workers?: number;
  reconcile: Reconcile;
  log: Logger;
  queue?: WorkQueue;
}

/** How a reconcile ended. `stale`: the cache was behind; `terminal`: no retry can heal it. */
export type Result = 'done' | 'requeue' | 'stale' | 'error' | 'terminal';

/** A reconcile that is over, for whoever records them. */
export interface Reconciled {
  controller: string;
  /** Of the object: `namespace/name`. */
  key: string;
  /** 1, and one more after each failure. */
  attempt: number;
  /** Unix time in ms. */
  startedAt: number;
  durationMs: number;
  result: Result;
  /** Why it failed, where it did. */
  error?: unknown;
}

/** A handler's share of time before sockets and timers get theirs. */
const STRETCH_MS = 10;

/** A reconcile that goes on for longer never ends: its requests and its retries have limits that add up to less. */
const STUCK_MS = 300_000;

/** Turns changes into keys, and keys into reconciles. */
export class Controller {
  readonly name: string;
  readonly queue: WorkQueue;
  readonly #workers: number;
  readonly #reconcile: Reconcile;
  readonly #log: Logger;
  readonly #synced: Promise<void>[] = [];
  /** Keys whose last reconcile failed because the API server was away. */
  readonly #unanswered = new Set<string>();
  #observer: ((reconciled: Reconciled) => void) | undefined;
  #stretchStart = 0;

  constructor(options: ControllerOptions) {
    this.name = options.name;
    this.queue = options.queue ?? new WorkQueue({ name: options.name });
    this.#workers = options.workers ?? 1;
    this.#reconcile = options.reconcile;
    this.#log = options.log.child({ controller: options.name });
  }

  /**
   * Adds the keys that `toKeys` names for each change of a kind. For an update the old state is asked too:
   * an object that changed hands concerns both owners.
   */
  watch<T extends KubeObject>(informer: Source<T>, toKeys: (object: T, change: Change<T>) => string[]): this {
    this.#synced.push(informer.synced);
    informer.onChange((change) => {
      const options = { priority: change.initial ? PRIORITY.low : PRIORITY.normal };
      // One set: a key that is added while a worker has it comes again.
      const keys = new Set(toKeys(change.object, change));
      if (change.old) for (const key of toKeys(change.old, change)) keys.add(key);
      for (const key of keys) this.queue.add(key, options);
    });
    return this;
  }

  /**
   * The store of a kind, for the reconciles to read: the first of them waits until it is complete. Another store
   * may be empty after a start, and what is not there would be taken for what does not exist.
   */
  reads<T extends KubeObject>(informer: Source<T>): Store<T> {
    this.#synced.push(informer.synced);
    return (informer as Informer<T>).store;
  }

  enqueue(key: string, options?: AddOptions): void {
    this.queue.add(key, options);
  }

  /** Calls `observer` after each reconcile; without one nothing is measured for it. */
  observe(observer: (reconciled: Reconciled) => void): void {
    this.#observer = observer;
  }

  /** Which reconcile does not end, as a sentence for people; undefined when each does. */
  get stuck(): string | undefined {
    const work = this.queue.longestWork;
    if (!work || work.ms <= STUCK_MS) return undefined;
    return `controller ${this.name} has been reconciling ${work.key} for ${Math.round(work.ms / 1000)} s`;
  }

  /** The API server is back: what failed because it was away is tried again at once, and not when its pause is over. */
  serverReturned(): void {
    for (const key of this.#unanswered) {
      this.queue.forget(key);
      this.queue.add(key);
    }
    this.#unanswered.clear();
  }

  /**
   * Works from when all kinds that are watched or read are known until `signal` aborts; resolves when running reconciles
   * are done. It may be called again then.
   */
  async run(signal: AbortSignal): Promise<void> {
    const stopped = Promise.withResolvers<void>();
    const stop = () => stopped.resolve();
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    await Promise.race([Promise.all(this.#synced), stopped.promise]);
    signal.removeEventListener('abort', stop);
    this.#stretchStart = performance.now();
    await Promise.all(Array.from({ length: this.#workers }, () => this.#work(signal)));
  }

  async #work(signal: AbortSignal): Promise<void> {
    for (;;) {
      const key = await this.queue.take(signal);
      if (key === undefined) return;
      try {
        await (this.#observer ? this.#runObserved(key, signal, this.#observer) : this.#runOne(key, signal));
      } finally {
        this.queue.done(key);
      }
      // Reconciles that find nothing to do never wait for IO, and would keep it from everyone else.
      if (performance.now() - this.#stretchStart < STRETCH_MS) continue;
      await nextTurn();
      this.#stretchStart = performance.now();
    }
  }

  async #runObserved(
    key: string,
    signal: AbortSignal,
    observer: (reconciled: Reconciled) => void,
  ): Promise<void> {
    const [startedAt, begun] = [Date.now(), performance.now()];
    const attempt = this.queue.failures(key) + 1;
    const end = await this.#runOne(key, signal);
    observer({
      controller: this.name,
      key,
      attempt,
      startedAt,
      durationMs: performance.now() - begun,
      ...end,
    });
  }

  async #runOne(key: string, signal: AbortSignal): Promise<Pick<Reconciled, 'result' | 'error'>> {
    const log = this.#log.child({ key, reconcileId: randomBytes(6).toString('hex') });
    this.#unanswered.delete(key);
    let outcome: Outcome;
    try {
      outcome = await this.#reconcile(key, signal, log);
    } catch (error) {
      return { result: this.#counted(this.#failed(key, error, log)), error };
    }
    this.queue.forget(key);
    const delayMs = outcome?.requeueAfterMs;
    if (delayMs !== undefined) this.queue.add(key, { delayMs });
    return { result: this.#counted(delayMs === undefined ? 'done' : 'requeue') };
  }

  #failed(key: string, err: unknown, log: Logger): Result {
    if (isNamespaceTerminating(err)) {
      // The object goes with its namespace; that is a watch event of its own.
      this.queue.forget(key);
      return 'done';
    }
    if (err instanceof TerminalError) {
      this.queue.forget(key);
      log.error({ err }, 'reconcile failed for good');
      return 'terminal';
    }
    this.queue.retry(key);
    if (isUnanswered(err)) this.#unanswered.add(key);
    if (err instanceof StaleError || isKubeError(err, 'KUBE_CONFLICT')) return 'stale';
    log.warn({ err, failures: this.queue.failures(key) }, 'reconcile failed and is tried again');
    return 'error';
  }

  #counted(result: Result): Result {
    reconciles.inc({ controller: this.name, result });
    return result;
  }
}
