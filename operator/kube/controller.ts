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
        await this.#runOne(key, signal);
      } finally {
        this.queue.done(key);
      }
      // Reconciles that find nothing to do never wait for IO, and would keep it from everyone else.
      if (performance.now() - this.#stretchStart < STRETCH_MS) continue;
      await nextTurn();
      this.#stretchStart = performance.now();
    }
  }

  async #runOne(key: string, signal: AbortSignal): Promise<void> {
    const log = this.#log.child({ key, reconcileId: randomBytes(6).toString('hex') });
    this.#unanswered.delete(key);
    let outcome: Outcome;
    try {
      outcome = await this.#reconcile(key, signal, log);
    } catch (error) {
      this.#failed(key, error, log);
      return;
    }
    this.queue.forget(key);
    const delayMs = outcome?.requeueAfterMs;
    this.#count(delayMs === undefined ? 'done' : 'requeue');
    if (delayMs !== undefined) this.queue.add(key, { delayMs });
  }

  #failed(key: string, err: unknown, log: Logger): void {
    if (isNamespaceTerminating(err)) {
      // The object goes with its namespace; that is a watch event of its own.
      this.queue.forget(key);
      this.#count('done');
      return;
    }
    if (err instanceof TerminalError) {
      this.queue.forget(key);
      this.#count('terminal');
      log.error({ err }, 'reconcile failed for good');
      return;
    }
    this.queue.retry(key);
    if (isUnanswered(err)) this.#unanswered.add(key);
    if (err instanceof StaleError || isKubeError(err, 'KUBE_CONFLICT')) {
      this.#count('stale');
      return;
    }
    this.#count('error');
    log.warn({ err, failures: this.queue.failures(key) }, 'reconcile failed and is tried again');
  }

  #count(result: 'done' | 'requeue' | 'stale' | 'error' | 'terminal'): void {
    reconciles.inc({ controller: this.name, result });
  }
}
