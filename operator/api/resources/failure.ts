import { isKubeError, type KubeError } from '../../kube/errors.ts';
import type { ResourceType } from '../../kube/types.ts';
import { type Action, permissionDenied, permissionName } from '../authorization.ts';
import { ApiError, type FieldViolation, invalidFields } from '../errors.ts';

/** What was asked of the cluster. */
export interface Attempt {
  action: Action;
  type: ResourceType;
  namespace: string;
  /** Left out for lists. */
  name?: string;
}

/** The API server's words for a right that RBAC does not give. */
const MISSING_RIGHT = /is forbidden: User "[^"]*" cannot \S+ resource/;
/** Its words for a field that the schema does not have (Kubernetes, field validation). */
const UNKNOWN_FIELD = /(unknown field|duplicate field) "([^"]+)"/g;

/**
 * What a client is answered when the cluster refuses something. An error that is not the API server's is returned as it
 * is.
 */
export function failureOf(error: unknown, attempt: Attempt): unknown {
  if (!isKubeError(error)) return error;
  const { type, name = '' } = attempt;
  const resource = `Resource '${name}' of kind '${type.kind.toUpperCase()}'`;
  switch (error.code) {
    case 'KUBE_NOT_FOUND':
      return notFound(attempt, error);
    case 'KUBE_ALREADY_EXISTS':
      return new ApiError('ALREADY_EXISTS', `Resource '${name}' already exists.`, { cause: error });
    case 'KUBE_CONFLICT':
      return new ApiError('ABORTED', `${resource} has changed: read it again. (${error.said})`, {
        cause: error,
      });
    case 'KUBE_FORBIDDEN':
      return forbidden(attempt, error);
    case 'KUBE_INVALID':
    case 'KUBE_GONE':
      return invalid(error);
    case 'KUBE_TOO_MANY_REQUESTS':
      return new ApiError('RESOURCE_EXHAUSTED', error.said, { cause: error });
    case 'KUBE_UNREACHABLE':
      return new ApiError('UNAVAILABLE', "The cluster's API server does not answer.", { cause: error });
    case 'KUBE_SERVER':
      return new ApiError('UNAVAILABLE', `The cluster's API server failed: ${error.said}`, { cause: error });
  }
}

/** The path of a resource as Google's messages name it. */
export function resourceName({ type, namespace, name }: Attempt): string {
  const parent = `namespaces/${namespace}`;
  return name === undefined ? parent : `${parent}/${type.plural}/${name}`;
}

/** @param cause the answer of the cluster, or of a view that has no such object. */
export function notFound({ type, namespace, name = '' }: Attempt, cause?: unknown): ApiError {
  const message = `Resource '${name}' of kind '${type.kind.toUpperCase()}' in project '${namespace}' does not exist.`;
  // Without it gcloud takes the region for the reason, and asks which there are.
  const detail = {
    '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
    reason: 'NOT_FOUND',
    domain: 'run.googleapis.com',
  };
  return new ApiError('NOT_FOUND', message, { details: [detail], cause });
}

function forbidden(attempt: Attempt, error: KubeError): ApiError {
  if (error.status === 401) {
    return new ApiError('UNAVAILABLE', "The cluster's API server does not know Homerun's account.", {
      cause: error,
    });
  }
  if (!MISSING_RIGHT.test(error.said)) return new ApiError('PERMISSION_DENIED', error.said, { cause: error });
  return permissionDenied(permissionName(attempt.type, attempt.action), resourceName(attempt), error);
}

function invalid(error: KubeError): ApiError {
  const violations: FieldViolation[] = (error.details.causes ?? []).map(({ field = '', message = '' }) => ({
    field,
    description: message,
  }));
  for (const [, problem = '', field = ''] of error.said.matchAll(UNKNOWN_FIELD)) {
    violations.push({ field, description: problem });
  }
  if (violations.length > 0) return invalidFields(violations, error.said);
  return new ApiError('INVALID_ARGUMENT', error.said, { cause: error });
}
