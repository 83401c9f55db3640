import type { PermissionName } from '../../apis/iam/permissions.ts';
import { type SourceObject, sourceUrl } from '../../apis/sourceUrl.ts';
import { permissionDenied } from '../authorization.ts';
import type { ApiContext } from '../context.ts';
import { ApiError } from '../errors.ts';
import { hasPermission } from '../iam/handlers.ts';
import { withPermission } from '../resources/failure.ts';
import type { Person } from '../resources/resources.ts';
import { namespaceOfBucket } from './buckets.ts';
import type { ObjectStore, StoredObject } from './store.ts';

/** What is answered where the chart keeps no sources. */
export const NO_STORAGE =
  'This cluster keeps no sources: install Homerun with api.storage.enabled=true, or push an image and deploy that.';

/** @throws {ApiError} FAILED_PRECONDITION where there is none; 5xx would have clients try again. */
export function storeOf({ objects }: Pick<ApiContext, 'objects'>): ObjectStore {
  if (objects) return objects;
  throw new ApiError('FAILED_PRECONDITION', NO_STORAGE);
}

/**
 * Holds what a person does with a bucket against the rights that the person has in its namespace.
 * @returns the namespace.
 * @throws {ApiError} NOT_FOUND for what is no bucket, PERMISSION_DENIED that names the permission.
 */
export async function authorize(
  context: ApiContext,
  person: Person,
  bucket: string,
  permission: Extract<PermissionName, `storage.${string}`>,
): Promise<string> {
  const namespace = namespaceOfBucket(bucket, context.config);
  const resource = `projects/_/buckets/${bucket}`;
  const target = { kind: 'project', namespace, name: '' } as const;
  const client = context.clientOf(person);
  const allowed = await withPermission(permission, resource, () =>
    hasPermission({ client, target }, permission),
  );
  if (!allowed) throw permissionDenied(permission, resource);
  return namespace;
}

/**
 * An archive that a person may use, as it is now: its generation says which one that is, also when another is uploaded.
 * @throws {ApiError} FAILED_PRECONDITION where nothing is kept, PERMISSION_DENIED, NOT_FOUND
 */
export async function findArchive(
  context: ApiContext,
  person: Person,
  source: SourceObject,
): Promise<StoredObject> {
  const store = storeOf(context);
  await authorize(context, person, source.bucket, 'storage.objects.get');
  const found = await store.get(source);
  if (found) return found;
  throw new ApiError('NOT_FOUND', `No such object: ${sourceUrl(source)}`);
}
