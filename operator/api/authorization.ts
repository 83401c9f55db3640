import type { ResourceType } from '../kube/types.ts';
import { ApiError, errorInfo } from './errors.ts';

/** What is done with a resource, as the last part of a permission of Google's IAM. */
export type Action = 'get' | 'list' | 'create' | 'update' | 'delete' | 'run' | 'cancel';

const RUN_GROUPS: ReadonlySet<string> = new Set([
  'serving.knative.dev',
  'run.googleapis.com',
  'domains.cloudrun.com',
]);

/**
 * Google's name of the permission to do something with a resource: `run.services.create` (Cloud Run, IAM permissions).
 * What is none of Cloud Run's kinds is named in the same way after its group.
 */
export function permissionName({ apiVersion, plural }: ResourceType, action: Action): string {
  const [group = ''] = apiVersion.split('/');
  const service = RUN_GROUPS.has(group) ? 'run' : group || 'core';
  return `${service}.${plural}.${action}`;
}

/**
 * What a person is answered who lacks a permission, in the words and with the details of Google's IAM.
 * @param reason what the cluster says of it, where that is to be told.
 */
export function permissionDenied(
  permission: string,
  resource: string,
  cause?: unknown,
  reason?: string,
): ApiError {
  const detail = errorInfo('IAM_PERMISSION_DENIED', 'iam.googleapis.com', {
    metadata: { permission, resource },
  });
  const end = reason === undefined ? '.' : `: ${reason}`;
  const message = `Permission '${permission}' denied on resource '${resource}' (or resource may not exist)${end}`;
  return new ApiError('PERMISSION_DENIED', message, { details: [detail], cause });
}

/**
 * What a person is answered who deploys something with an identity that the person may not act as, in the words of Google's
 * API (Cloud Run, Configure service identity).
 */
export function actAsDenied(namespace: string, account: string): ApiError {
  const resource = `namespaces/${namespace}/serviceaccounts/${account}`;
  const detail = errorInfo('IAM_PERMISSION_DENIED', 'iam.googleapis.com', {
    metadata: { permission: 'iam.serviceAccounts.actAs', resource },
  });
  const message = `Permission 'iam.serviceaccounts.actAs' denied on service account ${account} (or it may not exist).`;
  return new ApiError('PERMISSION_DENIED', message, { details: [detail] });
}

/**
 * Does what takes another permission than its steps are named after: `run.jobs.run` creates an execution.
 * @throws {ApiError} PERMISSION_DENIED that names `permission` where a step is denied.
 */
export async function asPermission<T>(
  permission: string,
  resource: string,
  act: () => Promise<T>,
): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw isMissingPermission(error) ? permissionDenied(permission, resource, error) : error;
  }
}

/** Whether a right is missing, and not for example a quota exceeded. */
export function isMissingPermission(error: unknown): boolean {
  if (!(error instanceof ApiError)) return false;
  const [detail] = error.details as readonly { reason?: string }[];
  return error.code === 'PERMISSION_DENIED' && detail?.reason === 'IAM_PERMISSION_DENIED';
}
