import { formatted } from '../../apis/fieldError.ts';

/** The fields of an AdmissionReview that are used here (Kubernetes, admission.k8s.io/v1). */
export interface AdmissionRequest {
  uid: string;
  kind: { group: string; version: string; kind: string };
  operation: string;
  dryRun?: boolean;
  name?: string;
  namespace?: string;
  userInfo?: { username?: string };
  object?: unknown;
  oldObject?: unknown;
}

export interface AdmissionResponse {
  uid: string;
  allowed: boolean;
  /** The reason for a rejection, which the API server passes on to the client. */
  status?: {
    status: 'Failure';
    code: number;
    reason: string;
    message: string;
    details?: StatusDetails;
  };
  patchType?: 'JSONPatch';
  /** A JSON patch in Base64. */
  patch?: string;
  /** Shown by kubectl. */
  warnings?: string[];
}

export interface StatusDetails {
  group: string;
  kind: string;
  name: string;
  causes: { reason: string; field: string; message: string }[];
}

export interface AdmissionReview {
  apiVersion: 'admission.k8s.io/v1';
  kind: 'AdmissionReview';
  request?: AdmissionRequest;
  response?: AdmissionResponse;
}

/** The request is not a valid AdmissionReview. */
export class ReviewError extends Error {
  override readonly name = 'ReviewError';
  readonly code = 'REVIEW_INVALID';
}

/** A UUID has 36 characters; the response repeats it. */
const LONGEST_UID = 253;

/**
 * The request of a review.
 * @throws {ReviewError} naming the field that is missing or of the wrong type.
 */
export function requestOf(body: unknown): AdmissionRequest {
  const { apiVersion, request } = (body ?? {}) as Partial<AdmissionReview>;
  if (apiVersion !== 'admission.k8s.io/v1') {
    throw new ReviewError(`apiVersion is ${formatted(apiVersion)}; it must be admission.k8s.io/v1`);
  }
  const { uid, kind, operation } = request ?? {};
  if (
    typeof uid !== 'string' ||
    uid.length > LONGEST_UID ||
    typeof kind?.kind !== 'string' ||
    typeof operation !== 'string'
  ) {
    throw new ReviewError('an AdmissionReview must have a request with uid, kind and operation');
  }
  const { name, namespace, userInfo } = request as AdmissionRequest;
  const texts = { name, namespace, 'userInfo.username': userInfo?.username };
  for (const [path, value] of Object.entries(texts)) {
    if (value === undefined || typeof value === 'string') continue;
    throw new ReviewError(`request.${path} is ${formatted(value)}; it must be a string`);
  }
  return request as AdmissionRequest;
}

/** The AdmissionReview with the response. */
export function reviewOf(response: AdmissionResponse): AdmissionReview {
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response };
}
