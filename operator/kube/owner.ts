import type { KubeObject, OwnerReference } from './types.ts';

/** The reference that a child carries to the object it is made for; the garbage collector follows it. */
export function controllerReference({ apiVersion, kind, metadata }: KubeObject): OwnerReference {
  const { name, uid = '' } = metadata;
  return { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true };
}

/** Whether the object was made for the owner with this UID, and not for an earlier one of its name. */
export function isControlledBy(object: KubeObject, ownerUid: string): boolean {
  return (
    object.metadata.ownerReferences?.some(({ controller, uid }) => controller && uid === ownerUid) ?? false
  );
}

/**
 * Whether the object was made for an earlier owner of the same kind and name. That has gone, so the garbage collector
 * removes the object: its name is free soon, without anybody doing something.
 */
export function isOfEarlier(object: KubeObject, owner: OwnerReference): boolean {
  return (
    object.metadata.ownerReferences?.some(
      ({ apiVersion, kind, name, uid, controller }) =>
        controller &&
        apiVersion === owner.apiVersion &&
        kind === owner.kind &&
        name === owner.name &&
        uid !== owner.uid,
    ) ?? false
  );
}
