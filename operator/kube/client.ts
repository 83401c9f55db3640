import type { Connection } from './connection.ts';
import { isKubeError, KubeError, type StatusBody, statusError } from './errors.ts';
import type { KnownObjects } from './knownObjects.ts';
import { LineSplitter } from './lines.ts';
import { completeList, type RawList, stripManagedFields } from './list.ts';
import { type CallOptions, type Method, type RequestOptions, Transport } from './transport.ts';
import type { KubeObject, ObjectRef, ResourceType } from './types.ts';

export type { CallOptions, Method, RequestOptions } from './transport.ts';

const WATCH_OPEN_MS = 10_000;

export interface ListOptions {
  /** All namespaces when left out. */
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  /** At most so many objects; the answer's `continue` gets the next ones. */
  limit?: number;
  continue?: string;
  resourceVersion?: string;
  signal?: AbortSignal;
}

export interface ListResult<T> {
  items: T[];
  resourceVersion: string;
  continue?: string;
}

export interface WatchOptions {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  /** Events after this version. */
  resourceVersion?: string;
  allowWatchBookmarks?: boolean;
  /** How long the server keeps the watch open. */
  timeoutSeconds?: number;
  /** A stream that is silent for so long counts as broken (`KUBE_UNREACHABLE`); 0 waits for ever. */
  idleTimeoutMs?: number;
}

export interface WatchEvent<T> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  /** A bookmark's object has nothing but its kind and `metadata.resourceVersion`. */
  object: T;
}

/**
 * The API path of a kind, an object or its subresource: `/apis/apps/v1/namespaces/a/deployments/b/scale`.
 */
export function resourcePath(type: ResourceType, ref: Partial<ObjectRef>, subresource?: string): string {
  const root = type.apiVersion.includes('/') ? `/apis/${type.apiVersion}` : `/api/${type.apiVersion}`;
  const scope = type.namespaced && ref.namespace ? `/namespaces/${encodeURIComponent(ref.namespace)}` : '';
  const name = ref.name === undefined ? '' : `/${encodeURIComponent(ref.name)}`;
  return `${root}${scope}/${type.plural}${name}${subresource ? `/${subresource}` : ''}`;
}

/**
 * A plain client of the Kubernetes API: JSON in, JSON out, errors as {@link KubeError}. Answers lose
 * `metadata.managedFields`, which is a third of most objects and of no use to a controller.
 */
export class KubeClient {
  readonly connection: Connection;
  readonly #transport: Transport;
  readonly #guard: (() => AbortSignal) | undefined;
  readonly #known: KnownObjects | undefined;

  /** @param options.known objects that lists need not read again, and which they share: those of custom kinds are frozen. */
  constructor(
    connection: Connection,
    {
      transport = new Transport(connection),
      guard,
      known,
    }: { transport?: Transport; guard?: () => AbortSignal; known?: KnownObjects } = {},
  ) {
    this.connection = connection;
    this.#transport = transport;
    this.#guard = guard;
    this.#known = known;
  }

  /**
   * The same client for work that may be stopped from outside: once the signal that `guard` gives is aborted, its
   * requests that are under way end and none begins, watches left out, all with `KUBE_UNREACHABLE`.
   */
  guarded(guard: () => AbortSignal): KubeClient {
    return new KubeClient(this.connection, { transport: this.#transport, guard, known: this.#known });
  }

  /** Calls back whenever the API server answers again that did not for some seconds. */
  onReturn(callback: () => void): void {
    this.#transport.onReturn(callback);
  }

  async list<T extends KubeObject>(type: ResourceType<T>, options: ListOptions = {}): Promise<ListResult<T>> {
    const { namespace, signal, ...query } = options;
    const known = this.#known;
    const answer = await this.request<RawList<T>>('GET', resourcePath(type, { namespace }), {
      query,
      signal,
      verb: 'list',
      read: known && ((text) => known.readList(text, type)),
    });
    const { items = [], metadata } = known ? answer : completeList(answer, type);
    return {
      items,
      resourceVersion: metadata.resourceVersion ?? '',
      continue: metadata.continue || undefined,
    };
  }

  /** @returns undefined when there is no such object. */
  async get<T extends KubeObject>(
    type: ResourceType<T>,
    ref: ObjectRef,
    options: CallOptions = {},
  ): Promise<T | undefined> {
    try {
      const path = resourcePath(type, ref);
      return stripManagedFields(await this.request<T>('GET', path, { ...options, verb: 'get' }));
    } catch (error) {
      if (isKubeError(error, 'KUBE_NOT_FOUND')) return undefined;
      throw error;
    }
  }

  async create<T extends KubeObject>(
    type: ResourceType<T>,
    object: T,
    { fieldManager, ...options }: CallOptions & { fieldManager?: string } = {},
  ): Promise<T> {
    const path = resourcePath(type, { namespace: object.metadata.namespace });
    return stripManagedFields(
      await this.request<T>('POST', path, {
        ...options,
        query: { fieldManager },
        body: object,
        verb: 'create',
      }),
    );
  }

  /**
   * Replaces an object; with `metadata.resourceVersion` only if it has not changed since.
   * @throws {KubeError} KUBE_CONFLICT when it has.
   */
  async replace<T extends KubeObject>(
    type: ResourceType<T>,
    object: T,
    options: CallOptions = {},
  ): Promise<T> {
    const path = resourcePath(type, object.metadata);
    return stripManagedFields(
      await this.request<T>('PUT', path, { ...options, body: object, verb: 'update' }),
    );
  }

  /** Server-side apply: creates the object, or sets these fields and removes those applied before and now absent. */
  async apply<T extends KubeObject>(
    type: ResourceType<T>,
    object: KubeObject,
    options: { fieldManager: string; subresource?: 'status'; force?: boolean },
  ): Promise<T> {
    const { fieldManager, subresource, force = true } = options;
    const answer = await this.request<T>('PATCH', resourcePath(type, object.metadata, subresource), {
      query: { fieldManager, force },
      body: object,
      contentType: 'application/apply-patch+yaml',
      verb: 'apply',
    });
    return stripManagedFields(answer);
  }

  async mergePatch<T extends KubeObject>(
    type: ResourceType<T>,
    ref: ObjectRef,
    body: unknown,
    {
      subresource,
      fieldManager,
      ...options
    }: CallOptions & { subresource?: string; fieldManager?: string } = {},
  ): Promise<T> {
    const answer = await this.request<T>('PATCH', resourcePath(type, ref, subresource), {
      ...options,
      query: { fieldManager },
      body,
      contentType: 'application/merge-patch+json',
      verb: 'patch',
    });
    return stripManagedFields(answer);
  }

  /**
   * @param options.uid only if the object still is this one; `resourceVersion` only if it has not changed since.
   * @returns false when there is no such object.
   * @throws {KubeError} KUBE_CONFLICT when it is another object, or has changed.
   */
  async delete(
    type: ResourceType,
    ref: ObjectRef,
    options: {
      uid?: string;
      resourceVersion?: string;
      propagationPolicy?: string;
      gracePeriodSeconds?: number;
    } = {},
  ): Promise<boolean> {
    const { uid, resourceVersion, propagationPolicy = 'Background', gracePeriodSeconds } = options;
    const preconditions = uid || resourceVersion ? { uid, resourceVersion } : undefined;
    const body = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      propagationPolicy,
      gracePeriodSeconds,
      preconditions,
    };
    try {
      await this.request('DELETE', resourcePath(type, ref), { body, verb: 'delete' });
      return true;
    } catch (error) {
      if (isKubeError(error, 'KUBE_NOT_FOUND')) return false;
      throw error;
    }
  }

  /**
   * The changes after `resourceVersion`, read no faster than they are taken. Ends when the server ends it.
   * @throws {KubeError} for an ERROR event too (410 is KUBE_GONE); KUBE_UNREACHABLE when the stream breaks.
   */
  async *watch<T extends KubeObject>(
    type: ResourceType<T>,
    options: WatchOptions,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent<T>, void, undefined> {
    const { namespace, idleTimeoutMs = 0, ...query } = options;
    const path = resourcePath(type, { namespace });
    const title = `WATCH ${path}`;
    const chunks = this.#transport.stream(path, {
      query: { ...query, watch: true },
      signal,
      // The server answers a watch at once. An idle connection of the pool may be as dead as the last watch's was.
      timeoutMs: idleTimeoutMs > 0 ? Math.min(idleTimeoutMs, WATCH_OPEN_MS) : WATCH_OPEN_MS,
      bodyTimeoutMs: idleTimeoutMs,
      verb: 'watch',
    });
    const splitter = new LineSplitter();
    for await (const chunk of chunks) {
      for (const line of splitter.push(chunk)) yield parseEvent<T>(line, title);
    }
  }

  /** The bytes of an answer that is no JSON, such as a container's log, read no faster than they are taken. */
  stream(
    path: string,
    options: RequestOptions & { signal: AbortSignal; bodyTimeoutMs: number },
  ): AsyncGenerator<Buffer, void, undefined> {
    return this.#transport.stream(path, options);
  }

  /** Any request that takes and gives JSON: subresources, metrics.k8s.io, /version. */
  async request<R>(method: Method, path: string, options: RequestOptions = {}): Promise<R> {
    const guard = this.#guard?.();
    if (!guard) return this.#transport.json<R>(method, path, options);
    const signal = options.signal ? AbortSignal.any([options.signal, guard]) : guard;
    try {
      guard.throwIfAborted();
      return await this.#transport.json<R>(method, path, { ...options, signal });
    } catch (cause) {
      if (!guard.aborted || isKubeError(cause)) throw cause;
      throw new KubeError(`${method} ${path}: stopped`, { code: 'KUBE_UNREACHABLE', cause });
    }
  }
}

function parseEvent<T extends KubeObject>(line: string, title: string): WatchEvent<T> {
  const event = JSON.parse(line) as WatchEvent<T> | { type: 'ERROR'; object: StatusBody };
  if (event.type === 'ERROR') throw statusError(title, event.object.code ?? 500, event.object);
  stripManagedFields(event.object);
  return event;
}
