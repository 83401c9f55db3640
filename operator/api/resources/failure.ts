import { isKubeError, type KubeError } from '../../kube/errors.ts';
import type { ResourceType } from '../../kube/types.ts';
import { type Action, asPermission, permissionDenied, permissionName } from '../authorization.ts';
import { ApiError, errorInfo, type FieldViolation, invalidFields } from '../errors.ts';

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
/** Its words for a role with rights that the person has not (Kubernetes, RBAC, Privilege escalation prevention). */
const ESCALATION = /attempting to grant RBAC permissions not currently held/;
/** Its words for a field that the schema does not have (Kubernetes, field validation). */
const UNKNOWN_FIELD = /(unknown field|duplicate field) "([^"]+)"/g;

/** What an answer names. */
interface Terms {
  permission: string;
  /** What the permission is on. */
  resource: string;
  /** The same in a sentence. */
  subject: string;
  missing: ApiError;
  /** The name of what the request creates; what it has not named and is there already, another request has made. */
  created?: string;
}

/**
 * What a client is answered when the cluster refuses something. An error that is not the API server's is returned as it
 * is.
 */
export function failureOf(error: unknown, attempt: Attempt): unknown {
  if (!isKubeError(error)) return error;
  const { type, action, name = '' } = attempt;
  return answerTo(error, {
    permission: permissionName(type, action),
    resource: resourceName(attempt),
    subject: `Resource '${name}' of kind '${type.kind.toUpperCase()}'`,
    missing: notFound(attempt, error),
    created: name,
  });
}

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
    if (!isKubeError(error)) throw error;
    const missing = new ApiError('NOT_FOUND', `${resource} does not exist. (${error.said})`, {
      cause: error,
    });
    throw answerTo(error, { permission, resource, subject: resource, missing });
  }
}

/**
 * Does what an action begins with, such as reading what is to be changed.
 * @throws {ApiError} PERMISSION_DENIED that names the permission for the action where a step is denied.
 */
export function asAction<T>(attempt: Attempt, act: () => Promise<T>): Promise<T> {
  return asPermission(permissionName(attempt.type, attempt.action), resourceName(attempt), act);
}

function answerTo(error: KubeError, terms: Terms): ApiError {
  const { subject, missing, created } = terms;
  switch (error.code) {
    case 'KUBE_NOT_FOUND':
      return missing;
    case 'KUBE_ALREADY_EXISTS':
      if (created === undefined) return changed(subject, error);
      return new ApiError('ALREADY_EXISTS', `Resource '${created}' already exists.`, { cause: error });
    case 'KUBE_CONFLICT':
      return changed(subject, error);
    case 'KUBE_FORBIDDEN':
      return forbidden(terms, error);
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
  const detail = errorInfo('NOT_FOUND', 'run.googleapis.com');
  return new ApiError('NOT_FOUND', message, { details: [detail], cause });
}

function changed(subject: string, error: KubeError): ApiError {
  return new ApiError('ABORTED', `${subject} has changed: read it again. (${error.said})`, { cause: error });
}

function forbidden({ permission, resource }: Terms, error: KubeError): ApiError {
  if (error.status === 401) {
    return new ApiError('UNAVAILABLE', "The cluster's API server does not know Homerun's account.", {
      cause: error,
    });
  }
  if (MISSING_RIGHT.test(error.said)) return permissionDenied(permission, resource, error);
  if (ESCALATION.test(error.said)) return permissionDenied(permission, resource, error, error.said);
  return new ApiError('PERMISSION_DENIED', error.said, { cause: error });
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
