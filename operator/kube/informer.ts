import type { Logger } from '../telemetry/log.ts';
import { type Change, Reflector, type ReflectorOptions } from './reflector.ts';
import { type Indexer, Store } from './store.ts';
import type { KubeObject, ResourceType } from './types.ts';

export type { Change } from './reflector.ts';

export type ChangeHandler<T> = (change: Change<T>) => void;

export interface InformerOptions<T extends KubeObject>
  extends Omit<ReflectorOptions<T>, 'store' | 'emit' | 'onSynced'> {
  indexers?: Record<string, Indexer<T>>;
  /** Where to look, if not in the whole cluster; it takes a watch for each. Empty is the whole cluster. */
  namespaces?: readonly string[];
}

/** An informer to those who have not declared that they read its store (`Controller.reads`). */
export type Source<T extends KubeObject> = Omit<Informer<T>, 'store'>;

/** A cache of one kind that stays up to date and reports changes. */
export class Informer<T extends KubeObject> {
  readonly type: ResourceType<T>;
  /** What its cache is called in metrics. */
  readonly name: string;
  readonly store: Store<T>;
  /** Resolves when the first list is complete; pends while the API server cannot be reached. */
  readonly synced: Promise<void>;
  readonly #handlers: ChangeHandler<T>[] = [];
  readonly #reflectors: readonly Reflector<T>[];
  readonly #log: Logger;
  readonly #isReduced: boolean;
  #waiting: number;

  constructor({ indexers, namespaces = [], ...options }: InformerOptions<T>) {
    this.type = options.type;
    this.name = options.name ?? options.type.plural;
    this.#log = options.log;
    this.#isReduced = options.remains !== undefined;
    const store = new Store<T>(indexers);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.store = store;
    this.synced = promise;
    const scopes = namespaces.length > 0 ? [...new Set(namespaces)] : [options.namespace];
    this.#waiting = scopes.length;
    this.#reflectors = scopes.map(
      (namespace) =>
        new Reflector({
          ...options,
          namespace,
          store,
          emit: (change) => this.#emit(change),
          onSynced: () => {
            if (--this.#waiting === 0) resolve();
          },
        }),
    );
  }

  /** Whether the first list is complete, for readiness probes. */
  get hasSynced(): boolean {
    return this.#waiting === 0;
  }

  /**
   * Calls `handler` after the store has each change, in order; first with what is there now, as `added`.
   * A handler must be quick: the stream waits for it. What it throws is logged and goes no further.
   * @throws when only something remains in the store of what is there now (`remains`): it would come too late.
   */
  onChange(handler: ChangeHandler<T>): void {
    if (this.#isReduced && this.store.size > 0)
      throw new Error(`the ${this.name} that are there are not whole any more: ask before the informer runs`);
    for (const object of this.store.list()) this.#call(handler, { type: 'added', object, initial: true });
    this.#handlers.push(handler);
  }

  /** Lists and watches until `signal` aborts; called again after that, it goes on where it was. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#reflectors.map((reflector) => reflector.run(signal)));
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
