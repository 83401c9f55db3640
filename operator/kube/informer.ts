import type { Logger } from '../telemetry/log.ts';
import { type Change, Reflector, type ReflectorOptions } from './reflector.ts';
import { type Indexer, Store } from './store.ts';
import type { KubeObject, ResourceType } from './types.ts';

export type { Change } from './reflector.ts';

export type ChangeHandler<T> = (change: Change<T>) => void;

export interface InformerOptions<T extends KubeObject>
  extends Omit<ReflectorOptions<T>, 'store' | 'emit' | 'onSynced'> {
  indexers?: Record<string, Indexer<T>>;
}

/** A cache of one kind that stays up to date and tells what changes. */
export class Informer<T extends KubeObject> {
  readonly type: ResourceType<T>;
  /** What its cache is called in metrics. */
  readonly name: string;
  readonly store: Store<T>;
  /** Resolves when the first list is complete; pends while the API server cannot be reached. */
  readonly synced: Promise<void>;
  readonly #handlers: ChangeHandler<T>[] = [];
  readonly #reflector: Reflector<T>;
  readonly #log: Logger;
  #hasSynced = false;

  constructor({ indexers, ...options }: InformerOptions<T>) {
    this.type = options.type;
    this.name = options.name ?? options.type.plural;
    this.#log = options.log;
    const store = new Store<T>(indexers);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.store = store;
    this.synced = promise;
    this.#reflector = new Reflector({
      ...options,
      store,
      emit: (change) => this.#emit(change),
      onSynced: () => {
        this.#hasSynced = true;
        resolve();
      },
    });
  }

  /** Whether the first list is complete, for readiness probes. */
  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  /**
   * Calls `handler` after the store has each change, in order; first with what is there now, as `added`.
   * A handler must be quick: the stream waits for it. What it throws is logged and goes no further.
   */
  onChange(handler: ChangeHandler<T>): void {
    for (const object of this.store.list()) this.#call(handler, { type: 'added', object, initial: true });
    this.#handlers.push(handler);
  }

  /** Lists and watches until `signal` aborts; call it once. */
  run(signal: AbortSignal): Promise<void> {
    return this.#reflector.run(signal);
  }

  #emit(change: Change<T>): void {
    for (const handler of this.#handlers) this.#call(handler, change);
  }

  #call(handler: ChangeHandler<T>, change: Change<T>): void {
    try {
      handler(change);
    } catch (err) {
      const { namespace, name } = change.object.metadata;
      this.#log.error({ err, kind: this.type.kind, namespace, name }, 'a change handler failed');
    }
  }
}
