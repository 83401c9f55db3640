import { randomUUID } from 'node:crypto';
import { deepEqual } from '../kube/json.ts';
import { timestamp } from '../kube/time.ts';
import { keyOf, type ResourceType } from '../kube/types.ts';
import { type Owners, ownersAfterUpdate, serverSideApply } from './fakeApply.ts';
import {
  checkApply,
  checkPreconditions,
  expired,
  hasGeneration,
  hasStatus,
  isBuiltIn,
  NAME,
  notFound,
  Rejection,
  restrict,
  type Stored,
} from './fakeRules.ts';

export interface StorageEvent {
  resourceVersion: number;
  type: ResourceType;
  /** The state before; undefined when it was created. */
  before?: Stored;
  /** The state after; for a deletion the last one, with the deletion's version. */
  after: Stored;
  deleted: boolean;
}

export interface WriteOptions {
  subresource?: 'status';
  manager?: string;
}

/** Objects, their versions, owners and history: what etcd and the API server's registry are to the real one. */
export class FakeStorage {
  readonly #collections = new Map<string, Map<string, Stored>>();
  readonly #owners = new Map<string, Owners>();
  readonly #defaults: (object: Stored) => void;
  /** Lists of the present version: a list of many pages is sorted once. */
  readonly #sorted = new Map<string, Stored[]>();
  #history: StorageEvent[] = [];
  #version = 100;
  #compacted = 0;
  readonly listeners = new Set<(event: StorageEvent) => void>();

  /** @param defaults changes each object as it is written, as defaulting and webhooks do. */
  constructor(defaults: (object: Stored) => void = () => {}) {
    this.#defaults = defaults;
  }

  get version(): number {
    return this.#version;
  }

  /**
   * The objects of a kind by key, as they are or as they were at a version.
   * @throws {Rejection} 410 when that is no longer known.
   */
  list(type: ResourceType, at = this.#version): Stored[] {
    const path = `${type.apiVersion}/${type.plural}`;
    const known = at === this.#version ? this.#sorted.get(path) : undefined;
    if (known) return known;
    const objects = new Map(this.#collection(type));
    for (const { type: other, before, after } of this.since(at).reverse()) {
      if (other.apiVersion !== type.apiVersion || other.plural !== type.plural) continue;
      if (before) objects.set(keyOf(before.metadata), before);
      else objects.delete(keyOf(after.metadata));
    }
    const entries = [...objects].sort(([a], [b]) => (a < b ? -1 : 1));
    const sorted = entries.map(([, object]) => object);
    if (at === this.#version) this.#sorted.set(path, sorted);
    return sorted;
  }

  /** @throws {Rejection} 404 */
  get(type: ResourceType, key: string): Stored {
    const object = this.#collection(type).get(key);
    if (!object) throw notFound(type, key);
    return object;
  }

  has(type: ResourceType, key: string): boolean {
    return this.#collection(type).has(key);
  }

  create(type: ResourceType, input: Stored, { manager = 'unknown' }: WriteOptions = {}): Stored {
    const object = structuredClone(input);
    object.metadata ??= { name: '' };
    const { metadata } = object;
    if (!metadata.name && metadata.generateName)
      metadata.name = `${metadata.generateName}${randomUUID().slice(0, 5)}`;
    if (!NAME.test(metadata.name ?? '')) {
      throw new Rejection(
        422,
        'Invalid',
        `${type.kind} "${metadata.name}" is invalid: metadata.name: Invalid value`,
      );
    }
    const key = keyOf(metadata);
    if (this.has(type, key))
      throw new Rejection(409, 'AlreadyExists', `${type.plural} "${metadata.name}" already exists`);
    if (hasStatus(type)) delete object.status;
    return this.#insert(
      type,
      object,
      ownersAfterUpdate({}, json(object), new Map(), { manager, builtIn: isBuiltIn(type) }),
    );
  }

  /** @throws {Rejection} 404, 409 for another resourceVersion or uid */
  update(
    type: ResourceType,
    key: string,
    input: Stored,
    { subresource, manager = 'unknown' }: WriteOptions = {},
  ): Stored {
    const before = this.get(type, key);
    checkPreconditions(type, before, input.metadata);
    const object = restrict(type, before, structuredClone(input), subresource);
    const owners = ownersAfterUpdate(json(before), json(object), this.#ownersOf(before), {
      manager,
      builtIn: isBuiltIn(type),
    });
    return this.#replace(type, before, object, owners);
  }

  /** Server-side apply. @throws {Rejection} 409 when another manager has a field, without force. */
  apply(
    type: ResourceType,
    key: string,
    desired: Stored,
    { subresource, manager = 'unknown', force = false }: WriteOptions & { force?: boolean },
  ): Stored {
    const before = this.#collection(type).get(key);
    checkApply(type, key, before, desired.metadata, subresource);
    const builtIn = isBuiltIn(type);
    const owner = subresource ? `${manager}/${subresource}` : manager;
    const live = before ?? {
      apiVersion: type.apiVersion,
      kind: type.kind,
      metadata: { ...desired.metadata },
    };
    const { resourceVersion: _, ...metadata } = desired.metadata;
    const wanted = { ...desired, metadata };
    if (subresource) delete wanted.spec;
    else if (hasStatus(type)) delete wanted.status;
    const owners = before ? this.#ownersOf(before) : new Map();
    const applied = serverSideApply(json(structuredClone(live)), owners, json(wanted), {
      manager: owner,
      force,
      builtIn,
    });
    const [conflict] = applied.conflicts;
    if (conflict) {
      const message = `Apply failed with 1 conflict: conflict with "${conflict.manager}": ${conflict.path}`;
      throw new Rejection(409, 'Conflict', message);
    }
    // Built-in kinds take null for nothing, a custom one has a schema.
    const refused = builtIn ? undefined : applied.emptied.find(([root]) => root !== 'metadata');
    if (refused) {
      const path = refused.join('.');
      throw new Rejection(422, 'Invalid', `${type.kind} "${key}" is invalid: ${path}: Invalid value: "null"`);
    }
    const object = applied.object as unknown as Stored;
    if (!before) return this.#insert(type, object, applied.owners);
    return this.#replace(type, before, restrict(type, before, object, subresource), applied.owners);
  }

  /** @throws {Rejection} 404, 409 for another uid or resourceVersion */
  delete(
    type: ResourceType,
    key: string,
    preconditions: { uid?: string; resourceVersion?: string } = {},
  ): Stored {
    const before = this.get(type, key);
    checkPreconditions(type, before, preconditions);
    if (before.metadata.finalizers?.length) {
      if (before.metadata.deletionTimestamp) return before;
      const metadata = { ...before.metadata, deletionTimestamp: now() };
      return this.#replace(type, before, { ...before, metadata }, this.#ownersOf(before));
    }
    return this.#erase(type, before);
  }

  /** Writes an object as it is, status included, over whatever is there. */
  put(type: ResourceType, input: Stored): Stored {
    const object = structuredClone(input);
    const before = this.#collection(type).get(keyOf(object.metadata));
    if (!before) return this.#insert(type, object, new Map());
    object.metadata = { ...before.metadata, ...object.metadata };
    return this.#replace(type, before, object, this.#ownersOf(before));
  }

  /** The events after a version. @throws {Rejection} 410 when they are no longer known. */
  since(resourceVersion: number): StorageEvent[] {
    if (resourceVersion < this.#compacted) throw expired(resourceVersion, this.#compacted);
    return this.#history.filter((event) => event.resourceVersion > resourceVersion);
  }

  /** Forgets the history up to now. */
  compact(): void {
    this.#version++;
    this.#sorted.clear();
    this.#compacted = this.#version;
    this.#history = [];
  }

  #insert(type: ResourceType, object: Stored, owners: Owners): Stored {
    const created = {
      uid: randomUUID(),
      creationTimestamp: now(),
      ...(hasGeneration(type) && { generation: 1 }),
    };
    object.apiVersion = type.apiVersion;
    object.kind = type.kind;
    object.metadata = { ...object.metadata, ...withoutSet(created, object.metadata) };
    this.#defaults(object);
    this.#owners.set(object.metadata.uid as string, owners);
    return this.#commit(type, undefined, object);
  }

  #replace(type: ResourceType, before: Stored, object: Stored, owners: Owners): Stored {
    const { uid, creationTimestamp, generation, resourceVersion } = before.metadata;
    object.apiVersion = type.apiVersion;
    object.kind = type.kind;
    object.metadata = { ...object.metadata, uid, creationTimestamp, generation, resourceVersion };
    this.#defaults(object);
    this.#owners.set(uid as string, owners);
    // A write that changes nothing makes no new version and no event.
    if (deepEqual(before, object)) return before;
    if (hasGeneration(type) && !deepEqual(before.spec, object.spec))
      object.metadata.generation = (generation ?? 0) + 1;
    if (object.metadata.deletionTimestamp && !object.metadata.finalizers?.length)
      return this.#erase(type, before);
    return this.#commit(type, before, object);
  }

  #erase(type: ResourceType, before: Stored): Stored {
    const after = structuredClone(before);
    this.#collection(type).delete(keyOf(before.metadata));
    this.#owners.delete(before.metadata.uid as string);
    this.#record({ type, before, after, deleted: true });
    return after;
  }

  #commit(type: ResourceType, before: Stored | undefined, after: Stored): Stored {
    // JSON has no undefined, and neither has an object that came over the wire.
    const object = JSON.parse(JSON.stringify(after)) as Stored;
    this.#collection(type).set(keyOf(object.metadata), object);
    this.#record({ type, before, after: object, deleted: false });
    return object;
  }

  #record(event: Omit<StorageEvent, 'resourceVersion'>): void {
    const resourceVersion = ++this.#version;
    this.#sorted.clear();
    event.after.metadata.resourceVersion = String(resourceVersion);
    const recorded = { ...event, resourceVersion };
    this.#history.push(recorded);
    for (const listener of this.listeners) listener(recorded);
  }

  #ownersOf(object: Stored): Owners {
    return this.#owners.get(object.metadata.uid as string) ?? new Map();
  }

  /** As the API server lists them; controllers should never look. */
  managers(object: Stored): string[] {
    return [...this.#ownersOf(object).keys()];
  }

  #collection(type: ResourceType): Map<string, Stored> {
    const path = `${type.apiVersion}/${type.plural}`;
    let collection = this.#collections.get(path);
    if (!collection) {
      collection = new Map();
      this.#collections.set(path, collection);
    }
    return collection;
  }
}

const now = () => timestamp(Date.now());
const json = (object: Stored) => object as unknown as Record<string, unknown>;

function withoutSet<T extends object>(values: T, present: object): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([name]) => !(name in present))) as Partial<T>;
}
