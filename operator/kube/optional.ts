import type { KubeClient, ListOptions, ListResult, WatchEvent, WatchOptions } from './client.ts';
import { aborted, type Clock, sleep, systemClock } from './clock.ts';
import { isKubeError, isUnanswered, KubeError } from './errors.ts';
import { Informer, type InformerOptions } from './informer.ts';
import type { KubeObject, ResourceType } from './types.ts';

/** How often an API that is not there is looked for. */
const RECHECK_MS = 10_000;
/** Version of the empty list of an API that is not there. */
const ABSENT = 'absent';

type Watcher = Pick<KubeClient, 'list' | 'watch'>;

export interface OptionalInformerOptions<T extends KubeObject> extends InformerOptions<T> {
  /** Whether the kind is read at all; otherwise it is empty and no request is made. */
  enabled: boolean;
  recheckMs?: number;
}

/**
 * A cache of a kind that the cluster may lack, as what serves it is not installed. It is empty and synced then, and fills
 * when the kind appears; no restart is needed.
 */
export class OptionalInformer<T extends KubeObject> extends Informer<T> {
  readonly #api: OptionalApi;

  constructor({ enabled, recheckMs = RECHECK_MS, ...options }: OptionalInformerOptions<T>) {
    const { client, type, log, clock = systemClock } = options;
    const api = new OptionalApi(enabled ? client : undefined, recheckMs, clock, (unavailable) => {
      if (unavailable) log.info({ kind: type.kind, err: unavailable }, 'the API cannot be used');
      else log.info({ kind: type.kind }, 'the API is there again');
    });
    super({ ...options, client: api });
    this.#api = api;
  }

  /** Why the kind cannot be read, KUBE_NOT_FOUND where it is not installed; undefined when it can be. */
  get unavailable(): KubeError | undefined {
    return this.#api.unavailable;
  }

  /** Calls `handler` when the kind appears or goes. */
  onAvailability(handler: () => void): void {
    this.#api.handlers.push(handler);
  }
}

/** A client for one kind; one that is not served is an empty list, and a watch that ends when it is served. */
class OptionalApi implements Watcher {
  readonly handlers: (() => void)[] = [];
  readonly #client: Watcher | undefined;
  readonly #recheckMs: number;
  readonly #clock: Clock;
  readonly #changed: (unavailable: KubeError | undefined) => void;
  #unavailable: KubeError | undefined;
  #everListed = false;

  constructor(
    client: Watcher | undefined,
    recheckMs: number,
    clock: Clock,
    changed: (unavailable: KubeError | undefined) => void,
  ) {
    this.#client = client;
    this.#recheckMs = recheckMs;
    this.#clock = clock;
    this.#changed = changed;
  }

  get unavailable(): KubeError | undefined {
    return this.#unavailable;
  }

  async list<T extends KubeObject>(type: ResourceType<T>, options: ListOptions): Promise<ListResult<T>> {
    const absent = { items: [], resourceVersion: ABSENT };
    if (!this.#client) return absent;
    try {
      const page = await this.#client.list(type, options);
      this.#everListed = true;
      this.#set(undefined);
      return page;
    } catch (error) {
      // Of a list that was begun, the rest is not missing for good.
      if (options.continue || !this.#isAbsence(error)) throw error;
      this.#set(error);
      return absent;
    }
  }

  async *watch<T extends KubeObject>(
    type: ResourceType<T>,
    options: WatchOptions,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent<T>, void, undefined> {
    if (!this.#client) return aborted(signal);
    if (options.resourceVersion === ABSENT) return this.#appearance(type, options, signal);
    try {
      yield* this.#client.watch(type, options, signal);
    } catch (error) {
      // The kind has gone, and all objects with it: the list says so.
      if (isKubeError(error, 'KUBE_NOT_FOUND')) throw relist(error);
      throw error;
    }
  }

  /** @throws {KubeError} KUBE_GONE when the kind is served. */
  async #appearance(type: ResourceType, { namespace }: WatchOptions, signal: AbortSignal): Promise<void> {
    for (;;) {
      await sleep(this.#recheckMs, signal, this.#clock);
      if (signal.aborted) return;
      const { resourceVersion } = await this.list(type, { namespace, limit: 1, signal });
      if (resourceVersion !== ABSENT) throw relist();
    }
  }

  /**
   * Whether the answer says that the kind cannot be read here. After it could be, only the kind's own absence does:
   * everything else passes, and must not empty the cache.
   */
  #isAbsence(error: unknown): error is KubeError {
    if (!isKubeError(error) || isUnanswered(error)) return false;
    if (error.code === 'KUBE_NOT_FOUND') return true;
    return !this.#everListed && error.status !== 401 && error.status !== 429;
  }

  #set(unavailable: KubeError | undefined): void {
    if (this.#unavailable?.message === unavailable?.message) return;
    this.#unavailable = unavailable;
    this.#changed(unavailable);
    for (const handler of this.handlers) handler();
  }
}

function relist(cause?: unknown): KubeError {
  return new KubeError('the kind is listed anew', { code: 'KUBE_GONE', cause });
}
