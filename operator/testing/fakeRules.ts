import type { KubeObject, ResourceType } from '../kube/types.ts';

// The API server's rules that the fake keeps.

/** An object with fields that no type here names. */
export type Stored = KubeObject & { spec?: unknown; status?: unknown };

/** A rejection, as the API server words it. */
export class Rejection extends Error {
  readonly status: number;
  readonly reason: string;
  readonly retryAfterSeconds?: number;

  constructor(status: number, reason: string, message: string, retryAfterSeconds?: number) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** Built-in kinds without a status subresource. */
const NO_STATUS = new Set(['ConfigMap', 'Secret', 'ServiceAccount', 'Event', 'Lease', 'Role', 'RoleBinding']);
/** Built-in kinds whose spec has no generation. */
const NO_GENERATION = new Set(['Service', 'Namespace', 'Lease', 'Event', 'Role', 'RoleBinding']);
export const NAME = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;

/** Built-in groups have no dot, or end in .k8s.io. */
export const isBuiltIn = ({ apiVersion }: ResourceType): boolean => {
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  return !group.includes('.') || group.endsWith('.k8s.io');
};

export const hasStatus = (type: ResourceType) => !(isBuiltIn(type) && NO_STATUS.has(type.kind));
export const hasGeneration = (type: ResourceType) =>
  hasStatus(type) && !(isBuiltIn(type) && NO_GENERATION.has(type.kind));

export function expired(version: number, oldest: number): Rejection {
  return new Rejection(410, 'Expired', `too old resource version: ${version} (${oldest})`);
}

export function notFound(type: ResourceType, key: string): Rejection {
  return new Rejection(404, 'NotFound', `${type.plural} "${key.split('/').at(-1)}" not found`);
}

/** A status write changes nothing but the status, any other write everything but the status. */
export function restrict(type: ResourceType, before: Stored, object: Stored, subresource?: 'status'): Stored {
  if (!hasStatus(type)) return object;
  if (subresource) return { ...before, status: object.status };
  const { status: _, ...rest } = object;
  return before.status === undefined ? rest : { ...rest, status: before.status };
}

/** The real server looks at the version always, at the uid only outside the status. */
export function checkApply(
  type: ResourceType,
  key: string,
  before: Stored | undefined,
  { uid, resourceVersion }: { uid?: string; resourceVersion?: string },
  subresource?: 'status',
): void {
  if (!before) {
    if (subresource) throw notFound(type, key);
    if (uid) throw new Rejection(409, 'Conflict', `uid mismatch: ${key} does not exist`);
    return;
  }
  checkPreconditions(type, before, { resourceVersion });
  if (uid && uid !== before.metadata.uid && !subresource) {
    throw new Rejection(422, 'Invalid', `${type.kind} "${key}" is invalid: metadata.uid: field is immutable`);
  }
}

export function checkPreconditions(
  type: ResourceType,
  { metadata }: Stored,
  wanted: { uid?: string; resourceVersion?: string } = {},
): void {
  const title = `Operation cannot be fulfilled on ${type.plural} "${metadata.name}"`;
  if (wanted.uid && wanted.uid !== metadata.uid) {
    throw new Rejection(
      409,
      'Conflict',
      `${title}: Precondition failed: UID in precondition: ${wanted.uid}, UID in object meta: ${metadata.uid}`,
    );
  }
  if (wanted.resourceVersion && wanted.resourceVersion !== metadata.resourceVersion) {
    throw new Rejection(
      409,
      'Conflict',
      `${title}: the object has been modified; please apply your changes to the latest version and try again`,
    );
  }
}
