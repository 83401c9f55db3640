/** What every Kubernetes object carries, as the API server returns it (Kubernetes API conventions, Metadata). */
export interface ObjectMeta {
  name: string;
  namespace?: string;
  generateName?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
  finalizers?: string[];
}

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
}

/** A generated model's type with the metadata that a stored object always has. */
export type Typed<T> = Omit<T, 'metadata' | 'apiVersion' | 'kind'> & KubeObject;

/** Where a kind lives in the API: enough to build its URL. `T` ties answers to their type. */
export interface ResourceType<T extends KubeObject = KubeObject> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  /** Never set: it only carries the type. */
  readonly _type?: T;
}

/** The type of a kind whose objects are in namespaces. */
export function namespaced<T extends KubeObject>(
  apiVersion: string,
  kind: string,
  plural: string,
): ResourceType<T> {
  return { apiVersion, kind, plural, namespaced: true };
}

export interface ObjectRef {
  namespace?: string;
  name: string;
}

/** The key of an object in stores and queues: `namespace/name`, or `name` for a cluster-wide kind. */
export function keyOf(ref: ObjectRef): string {
  return ref.namespace ? `${ref.namespace}/${ref.name}` : ref.name;
}

/** Of metadata, what tells an object from others and its versions apart: the least that a cache must keep. */
export function identityOf(metadata: ObjectMeta): ObjectMeta {
  const { name, namespace, uid, resourceVersion, creationTimestamp, deletionTimestamp } = metadata;
  return { name, namespace, uid, resourceVersion, creationTimestamp, deletionTimestamp };
}

/** The key of an object: {@link keyOf} its metadata. */
export function keyOfObject({ metadata }: Pick<KubeObject, 'metadata'>): string {
  return keyOf(metadata);
}

/** The inverse of {@link keyOf}. */
export function refOf(key: string): ObjectRef {
  const slash = key.indexOf('/');
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** What clusters differ in, as far as it decides what a program gets. */
export interface Capabilities {
  /** The CPU of an instance can be changed while it runs (Kubernetes 1.33: pods/resize). */
  resizesPods: boolean;
}

/** Hash of the object as last applied. */
export const APPLIED_HASH = 'homerun.dev/applied-hash';
