import { isKubeError, type KubeError } from '../../kube/errors.ts';
import { permissionDenied } from '../authorization.ts';
import { ApiError } from '../errors.ts';

/**
 * Does what takes a permission of Google's name, with failures of the cluster in its terms.
 * @throws {ApiError} PERMISSION_DENIED that names the permission; ABORTED where another request was in between.
 */
export async function withPermission<T>(
  permission: string,
  resource: string,
  act: () => Promise<T>,
): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw isKubeError(error) ? failureOf(error, permission, resource) : error;
  }
}

function failureOf(cause: KubeError, permission: string, resource: string): ApiError {
  switch (cause.code) {
    case 'KUBE_FORBIDDEN':
      return cause.status === 401
        ? new ApiError('UNAVAILABLE', "The cluster's API server does not know Homerun's account.", { cause })
        : permissionDenied(permission, resource, cause, cause.said);
    case 'KUBE_CONFLICT':
    case 'KUBE_ALREADY_EXISTS':
      return new ApiError(
        'ABORTED',
        `Another request has changed ${resource}: read it again. (${cause.said})`,
        {
          cause,
        },
      );
    case 'KUBE_NOT_FOUND':
      return new ApiError('NOT_FOUND', `${resource} does not exist. (${cause.said})`, { cause });
    case 'KUBE_INVALID':
    case 'KUBE_GONE':
      return new ApiError('INVALID_ARGUMENT', cause.said, { cause });
    case 'KUBE_TOO_MANY_REQUESTS':
      return new ApiError('RESOURCE_EXHAUSTED', cause.said, { cause });
    default:
      return new ApiError('UNAVAILABLE', `The cluster's API server failed: ${cause.said || cause.message}`, {
        cause,
      });
  }
}
