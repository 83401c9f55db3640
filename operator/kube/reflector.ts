import type { Logger } from '../telemetry/log.ts';
import {
  cachedObjects,
  reflectorLists,
  reflectorRelists,
  watchEvents,
  watchRestarts,
} from '../telemetry/metrics.ts';
import { Backoff } from './backoff.ts';
import type { KubeClient, WatchEvent } from './client.ts';
import { type Clock, nextTurn, sleep, systemClock } from './clock.ts';
import { isKubeError } from './errors.ts';
import { shared } from './share.ts';
import type { Store } from './store.ts';
import { type KubeObject, keyOf, type ResourceType } from './types.ts';

/** What happened to an object, reported after the store has it. */
export interface Change<T> {
  type: 'added' | 'updated' | 'deleted';
  /** For `deleted`, its last known state. */
  object: T;
  /** What the store had before; only for `updated`. */
  old?: T;
  /** The object was there already when watching began: not news. */
  initial?: boolean;
}

export interface ReflectorOptions<T extends KubeObject> {
  client: Pick<KubeClient, 'list' | 'watch'>;
  type: ResourceType<T>;
  /** Name of the cache in metrics, where the process has several of the kind; the kind's plural when left out. */
  name?: string;
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  store: Store<T>;
  emit: (change: Change<T>) => void;
  /** Called when the first list is complete. */
  onSynced: () => void;
  log: Logger;
  /** Shortens objects before they are kept; uid and resourceVersion must stay. */
  transform?: (object: T) => T;
  /**
   * What is left of an object in the store, where handlers take all they need from it as it comes; all of it when left out.
   * Its uid and resourceVersion must stay. `old`, and a deleted object whose end was not seen, are no more than that.
   */
  remains?: (object: T) => T;
  /** Objects for which it gives the same text are much alike: what is equal in them is kept in memory once. */
  alike?: (object: T) => string | undefined;
  pageSize?: number;
  /** A watch that is silent for so long is broken; 3 minutes when left out. */
  idleTimeoutMs?: number;
  clock?: Clock;
  random?: () => number;
}

const PAGE_SIZE = 500;
/** The first bookmark of a watch may take two minutes, as the server sends them by the minute and leaves some out. */
const IDLE_TIMEOUT_MS = 180_000;
/** The server is asked to end a watch after 5 to 10 minutes, so that the watches of many clients spread out. */
const WATCH_SECONDS = 300;
/** A page token lives as long as etcd keeps its revision (5 minutes); a list that slow is taken in one piece. */
const PAGED_TRIES = 2;
/** Watches that the server keeps refusing, without an event between, before everything is listed anew. */
const REFUSALS_BEFORE_RELIST = 5;
/** The longest that the server may ask for; with a cache that old the controllers do harm. */
const LONGEST_ASKED_MS = 30_000;
/** Longest stretch of work before other things in the process have their turn. */
const STRETCH_MS = 10;

/**
 * Keeps a store equal to the API server's objects of one kind: a paged list, then a watch that goes on from
 * the last version seen, through restarts of the server, broken connections and compacted history.
 */
export class Reflector<T extends KubeObject> {
  readonly #options: ReflectorOptions<T>;
  readonly #clock: Clock;
  readonly #backoff: Backoff;
  /** Between lists whose version the server has forgotten before it sent an event; the first is made at once. */
  readonly #expiries: Backoff;
  readonly #kind: string;
  /** Where to go on; undefined when everything has to be listed. */
  #resourceVersion: string | undefined;
  /** The object that came last of those that are alike. */
  readonly #last = new Map<string, T>();
  #listed = false;
  #refusals = 0;
  #failing = false;
  /** Whether the last watch expired before its first event. */
  #expired = false;
  #stretchStart = 0;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#backoff = new Backoff(options.random);
    this.#expiries = new Backoff(options.random);
    this.#kind = options.type.kind;
  }

  /** Works until `signal` aborts; no failure ends it. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        if (this.#resourceVersion === undefined) await this.#list(signal);
        else await this.#watch(signal);
      } catch (error) {
        if (signal.aborted) return;
        await this.#recover(error, signal);
      }
    }
  }

  /**
   * Reads the list page by page into the store, then drops what it did not name. Reads are consistent
   * (no resourceVersion): "0" would make the server ignore the limit, and could go back in time.
   */
  async #list(signal: AbortSignal): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        this.#resourceVersion = await this.#listOnce(tries <= PAGED_TRIES, signal);
        break;
      } catch (error) {
        if (tries <= PAGED_TRIES && isKubeError(error, 'KUBE_GONE')) continue;
        reflectorLists.inc({ kind: this.#kind, result: 'error' });
        throw error;
      }
    }
    reflectorLists.inc({ kind: this.#kind, result: 'ok' });
    // An empty cache is known to be empty from now on.
    this.#count();
    this.#recovered();
    if (this.#listed) return;
    this.#listed = true;
    this.#options.onSynced();
  }

  async #listOnce(paged: boolean, signal: AbortSignal): Promise<string> {
    const { client, type, namespace, labelSelector, fieldSelector, store } = this.#options;
    const limit = paged ? (this.#options.pageSize ?? PAGE_SIZE) : undefined;
    const seen = new Set<string>();
    let next: string | undefined;
    for (;;) {
      const page = await client.list(type, {
        namespace,
        labelSelector,
        fieldSelector,
        limit,
        continue: next,
        signal,
      });
      this.#stretchStart = performance.now();
      for (const object of page.items) {
        seen.add(keyOf(object.metadata));
        this.#put(object);
        await this.#breathe();
      }
      next = page.continue;
      if (next) continue;
      for (const key of [...store.keys()]) if (!seen.has(key) && this.#covers(key)) this.#drop(key);
      return page.resourceVersion;
    }
  }

  /** Whether an object is in this reflector's namespace: others may keep the rest of the store. */
  #covers(key: string): boolean {
    const { namespace } = this.#options;
    return namespace === undefined || key.startsWith(`${namespace}/`);
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { client, type, namespace, labelSelector, fieldSelector, random = Math.random } = this.#options;
    const startedAt = this.#clock.now();
    const events = client.watch(
      type,
      {
        namespace,
        labelSelector,
        fieldSelector,
        resourceVersion: this.#resourceVersion,
        allowWatchBookmarks: true,
        timeoutSeconds: Math.round(WATCH_SECONDS * (1 + random())),
        idleTimeoutMs: this.#options.idleTimeoutMs ?? IDLE_TIMEOUT_MS,
      },
      signal,
    );
    this.#stretchStart = performance.now();
    for await (const event of events) {
      this.#handle(event);
      this.#recovered();
      this.#expired = false;
      await this.#breathe();
    }
    if (signal.aborted) return;
    watchRestarts.inc({ kind: this.#kind, reason: 'closed' });
    // A server that ends each watch at once must not be asked in a tight loop.
    if (this.#clock.now() - startedAt < 1_000) await sleep(this.#backoff.next('closed'), signal, this.#clock);
    else this.#backoff.reset();
  }

  #handle(event: WatchEvent<T>): void {
    const { object } = event;
    watchEvents.inc({ kind: this.#kind, type: event.type });
    if (event.type === 'DELETED') this.#drop(keyOf(object.metadata), object);
    else if (event.type !== 'BOOKMARK') this.#put(object);
    this.#resourceVersion = object.metadata.resourceVersion;
  }

  #put(listed: T): void {
    const { store, emit, transform, remains } = this.#options;
    const key = keyOf(listed.metadata);
    const before = store.get(key);
    const same = before !== undefined && before.metadata.uid === listed.metadata.uid;
    if (same && before.metadata.resourceVersion === listed.metadata.resourceVersion) return;
    // Deleted and created again between two looks: two objects that share a name, not one that changed.
    if (before && !same) this.#drop(key);
    const object = this.#share(transform ? transform(listed) : listed, same ? before : undefined);
    const old = store.upsert(remains ? remains(object) : object);
    this.#count();
    if (old) emit({ type: 'updated', object, old });
    else emit(this.#listed ? { type: 'added', object } : { type: 'added', object, initial: true });
  }

  /** The object, without what it repeats of its own state before, or of the last one that it is like. */
  #share(object: T, before: T | undefined): T {
    const kind = this.#options.alike?.(object);
    if (kind === undefined) return object;
    // Itself must be new in any case: whoever has the old state compares the two.
    const { metadata } = object;
    const like = before ?? this.#last.get(kind);
    const result = like ? { ...shared(object, like), metadata } : object;
    this.#last.set(kind, result);
    return result;
  }

  #forget(object: T): void {
    const kind = this.#options.alike?.(object);
    if (kind !== undefined && this.#last.get(kind) === object) this.#last.delete(kind);
  }

  /** @param last the final state that a watch event carried; the stored one when left out. */
  #drop(key: string, last?: T): void {
    const { store, emit, transform } = this.#options;
    const old = store.remove(key);
    if (!old) return;
    this.#forget(old);
    this.#count();
    // The last state of another object of that name says nothing about this one.
    const own = last && last.metadata.uid === old.metadata.uid ? last : undefined;
    emit({ type: 'deleted', object: own ? (transform ? transform(own) : own) : old });
  }

  async #recover(error: unknown, signal: AbortSignal): Promise<void> {
    const { log } = this.#options;
    const watching = this.#resourceVersion !== undefined;
    if (isKubeError(error, 'KUBE_GONE') && watching) {
      this.#relist('expired');
      if (this.#expired) await sleep(this.#expiries.next('refused'), signal, this.#clock);
      else this.#expiries.reset();
      this.#expired = true;
      return;
    }
    if (watching && isIdle(error)) {
      watchRestarts.inc({ kind: this.#kind, reason: 'idle' });
      log.info({ kind: this.#kind }, 'the watch was silent for too long and is opened again');
      return;
    }
    if (watching) watchRestarts.inc({ kind: this.#kind, reason: 'error' });
    const unreachable = isKubeError(error, 'KUBE_UNREACHABLE');
    const refused = !unreachable && !isKubeError(error, 'KUBE_TOO_MANY_REQUESTS');
    if (watching && refused && ++this.#refusals >= REFUSALS_BEFORE_RELIST) this.#relist('failing');
    const asked = isKubeError(error) ? Math.min((error.retryAfterSeconds ?? 0) * 1000, LONGEST_ASKED_MS) : 0;
    const delay = Math.max(this.#backoff.next(unreachable ? 'unreachable' : 'refused'), asked);
    // Once for each outage: it is tried again every second, for each kind.
    const level = this.#failing ? 'debug' : 'warn';
    this.#failing = true;
    const message = watching ? 'the watch broke and is tried again' : 'the list failed and is tried again';
    log[level]({ kind: this.#kind, err: error }, message);
    await sleep(delay, signal, this.#clock);
  }

  #count(): void {
    const { name, type, store } = this.#options;
    cachedObjects.set({ kind: this.#kind, cache: name ?? type.plural }, store.size);
  }

  #recovered(): void {
    this.#backoff.reset();
    this.#refusals = 0;
    if (!this.#failing) return;
    this.#failing = false;
    this.#options.log.info({ kind: this.#kind }, 'watching again');
  }

  #relist(reason: 'expired' | 'failing'): void {
    this.#resourceVersion = undefined;
    this.#refusals = 0;
    reflectorRelists.inc({ kind: this.#kind, reason });
    if (reason === 'expired') watchRestarts.inc({ kind: this.#kind, reason: 'expired' });
  }

  async #breathe(): Promise<void> {
    if (performance.now() - this.#stretchStart < STRETCH_MS) return;
    await nextTurn();
    this.#stretchStart = performance.now();
  }
}

function isIdle(error: unknown): boolean {
  const cause = isKubeError(error, 'KUBE_UNREACHABLE') ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === 'UND_ERR_BODY_TIMEOUT';
}
