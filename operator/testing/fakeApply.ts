import { deepEqual } from '../kube/json.ts';

// Server-side apply as far as controllers observe it (Kubernetes documentation, Server-Side Apply): field ownership,
// removal of what a manager no longer applies, conflicts, lists merged by their keys.

type Json = Record<string, unknown>;
type Path = readonly string[];

/** Fields that a manager owns: leaf paths, as text. */
export type FieldSet = Map<string, Path>;
/** By manager, and for the status subresource by `manager/status`. */
export type Owners = Map<string, FieldSet>;

/** Merge keys of lists of built-in kinds, by the field's name; all other lists are one value. */
const LIST_KEYS: Record<string, string[]> = {
  containers: ['name'],
  initContainers: ['name'],
  volumes: ['name'],
  imagePullSecrets: ['name'],
  env: ['name'],
  volumeMounts: ['mountPath'],
  ports: ['containerPort', 'port', 'protocol'],
  conditions: ['type'],
  ownerReferences: ['uid'],
  webhooks: ['name'],
};

export interface Applied {
  object: Json;
  owners: Owners;
  /** Managers and paths that stand in the way; empty with force. */
  conflicts: { manager: string; path: string }[];
  /** Maps and lists that are applied without entries and lost their last one: the server makes null of them. */
  emptied: Path[];
}

/** @param builtIn whether the lists of built-in kinds have their merge keys; custom ones have none but the owners. */
export function serverSideApply(
  live: Json,
  owners: Owners,
  desired: Json,
  { manager, force, builtIn }: { manager: string; force: boolean; builtIn: boolean },
): Applied {
  const wanted = leaves(desired, builtIn);
  const next: Owners = new Map([...owners].map(([name, fields]) => [name, new Map(fields)]));
  const conflicts: Applied['conflicts'] = [];
  for (const [other, fields] of next) {
    if (other === manager) continue;
    for (const [text, path] of wanted) {
      if (!fields.has(text) || deepEqual(valueAt(live, path), valueAt(desired, path))) continue;
      if (force) fields.delete(text);
      else conflicts.push({ manager: other, path: text });
    }
  }
  if (conflicts.length > 0) return { object: live, owners, conflicts, emptied: [] };
  const object = merge(live, desired, [], builtIn) as Json;
  const before = next.get(manager) ?? new Map();
  next.set(manager, wanted);
  const owned = [...next.values()].flatMap((fields) => [...fields.keys()]);
  const isOwned = (path: Path) => owned.some((text) => `${text}/`.startsWith(`${path.join('/')}/`));
  const emptied: Path[] = [];
  for (const path of before.values()) removeUnowned(object, path, isOwned, emptied);
  return { object, owners: next, conflicts, emptied };
}

/** Who owns what after a write that was no apply: the writer gets what it changed. */
export function ownersAfterUpdate(
  before: Json,
  after: Json,
  owners: Owners,
  { manager, builtIn }: { manager: string; builtIn: boolean },
): Owners {
  const next: Owners = new Map([...owners].map(([name, fields]) => [name, new Map(fields)]));
  const own: FieldSet = next.get(manager) ?? new Map();
  next.set(manager, own);
  const present = leaves(after, builtIn);
  for (const fields of next.values()) {
    for (const text of fields.keys()) if (!present.has(text)) fields.delete(text);
  }
  for (const [text, path] of present) {
    if (deepEqual(valueAt(before, path), valueAt(after, path))) continue;
    for (const fields of next.values()) fields.delete(text);
    own.set(text, path);
  }
  return next;
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const IDENTITY = new Set(['apiVersion', 'kind']);
const IDENTITY_METADATA = new Set([
  'name',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'managedFields',
]);

function leaves(object: Json, builtIn: boolean): FieldSet {
  const found: FieldSet = new Map();
  const visit = (value: unknown, path: Path): void => {
    const keys = listKeys(value, path, builtIn);
    if (keys) for (const item of value as Json[]) visit(item, [...path, itemKey(item, keys)]);
    else if (isObject(value) && Object.keys(value).length > 0) {
      for (const [name, inner] of Object.entries(value)) {
        if (path.length === 0 && IDENTITY.has(name)) continue;
        if (path.length === 1 && path[0] === 'metadata' && IDENTITY_METADATA.has(name)) continue;
        if (inner !== undefined) visit(inner, [...path, name]);
      }
    } else found.set(path.join('/'), path);
  };
  visit(object, []);
  return found;
}

/** The merge keys of the list at `path`; undefined for what is not such a list. */
function listKeys(value: unknown, path: Path, builtIn: boolean): string[] | undefined {
  if (!Array.isArray(value) || value.length === 0 || !value.every(isObject)) return undefined;
  const name = path.at(-1) ?? '';
  if (!builtIn && !(path[0] === 'metadata' && name === 'ownerReferences')) return undefined;
  return LIST_KEYS[name];
}

/** How an item is named in a path: `[name=app]`. */
function itemKey(item: Json, keys: string[]): string {
  const parts = keys
    // The one key that has a default (Kubernetes API, ContainerPort and ServicePort).
    .map((key) => [key, item[key] ?? (key === 'protocol' ? 'TCP' : undefined)])
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${value}`);
  return `[${parts.join(',')}]`;
}

function findItem(list: unknown, key: string): number {
  if (!Array.isArray(list)) return -1;
  const names = [...key.matchAll(/(\w+)=/g)].map(([, name]) => name as string);
  return list.findIndex((item) => isObject(item) && itemKey(item, names) === key);
}

function valueAt(object: unknown, path: Path): unknown {
  let value = object;
  for (const step of path) {
    if (step.startsWith('[')) value = Array.isArray(value) ? value[findItem(value, step)] : undefined;
    else value = isObject(value) ? value[step] : undefined;
  }
  return value;
}

function merge(live: unknown, desired: unknown, path: Path, builtIn: boolean): unknown {
  const keys = listKeys(desired, path, builtIn);
  if (keys && Array.isArray(live)) {
    const merged = [...live];
    for (const item of desired as Json[]) {
      const key = itemKey(item, keys);
      const at = findItem(merged, key);
      if (at < 0) merged.push(structuredClone(item));
      else merged[at] = merge(merged[at], item, [...path, key], builtIn);
    }
    return merged;
  }
  if (!isObject(desired) || !isObject(live)) return structuredClone(desired);
  const merged: Json = { ...live };
  for (const [name, value] of Object.entries(desired)) {
    if (value === undefined) continue;
    merged[name] = name in live ? merge(live[name], value, [...path, name], builtIn) : structuredClone(value);
  }
  return merged;
}

/** Removes a field without owners, and the whole list item with its defaults when none of its fields has an owner. */
function removeUnowned(object: Json, path: Path, isOwned: (path: Path) => boolean, emptied: Path[]): void {
  if (isOwned(path)) return;
  const item = path.findIndex((step, index) => step.startsWith('[') && !isOwned(path.slice(0, index + 1)));
  const [target, parentPath] =
    item < 0 ? [path, path.slice(0, -1)] : [path.slice(0, item + 1), path.slice(0, item)];
  const parent = valueAt(object, parentPath);
  removeAt(parent, target.at(-1) as string);
  const empty = Array.isArray(parent)
    ? parent.length === 0
    : isObject(parent) && Object.keys(parent).length === 0;
  if (!empty || parentPath.length === 0) return;
  if (!isOwned(parentPath)) {
    removeUnowned(object, parentPath, isOwned, emptied);
    return;
  }
  removeAt(valueAt(object, parentPath.slice(0, -1)), parentPath.at(-1) as string);
  emptied.push(parentPath);
}

function removeAt(parent: unknown, step: string): void {
  if (Array.isArray(parent)) {
    const at = findItem(parent, step);
    if (at >= 0) parent.splice(at, 1);
  } else if (isObject(parent)) delete parent[step];
}
