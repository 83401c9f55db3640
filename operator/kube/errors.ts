export type KubeErrorCode =
  | 'KUBE_NOT_FOUND'
  | 'KUBE_CONFLICT'
  | 'KUBE_ALREADY_EXISTS'
  | 'KUBE_GONE'
  | 'KUBE_INVALID'
  | 'KUBE_FORBIDDEN'
  | 'KUBE_TOO_MANY_REQUESTS'
  | 'KUBE_UNREACHABLE'
  | 'KUBE_SERVER';

/** The parts of a `v1` Status that an error keeps (Kubernetes API conventions, Response Status Kind). */
export interface StatusBody {
  code?: number;
  reason?: string;
  message?: string;
  details?: StatusDetails;
}

export interface StatusDetails {
  name?: string;
  kind?: string;
  retryAfterSeconds?: number;
  causes?: { reason?: string; message?: string; field?: string }[];
}

/** A request that the API server rejected, or that never reached it (`KUBE_UNREACHABLE`). Match on `code`. */
export class KubeError extends Error {
  override readonly name = 'KubeError';
  readonly code: KubeErrorCode;
  /** The HTTP status; 0 when there was no answer. */
  readonly status: number;
  readonly reason: string;
  readonly details: StatusDetails;
  /** What the server said, without the request; empty when there was no answer. */
  readonly said: string;
  /** How long the server asked to wait, in seconds. */
  readonly retryAfterSeconds?: number;

  constructor(
    message: string,
    fields: {
      code: KubeErrorCode;
      status?: number;
      reason?: string;
      details?: StatusDetails;
      said?: string;
      retryAfterSeconds?: number;
      cause?: unknown;
    },
  ) {
    super(message, { cause: fields.cause });
    this.code = fields.code;
    this.status = fields.status ?? 0;
    this.reason = fields.reason ?? '';
    this.details = fields.details ?? {};
    this.said = fields.said ?? '';
    this.retryAfterSeconds = fields.retryAfterSeconds ?? fields.details?.retryAfterSeconds;
  }
}

/** An error that no retry can heal: counted and logged once, and the key waits for the next change. */
export class TerminalError extends Error {
  override readonly name = 'TerminalError';
  readonly code = 'TERMINAL';
}

/** The cache is behind the API server: the key is tried again soon, without logging it. */
export class StaleError extends Error {
  override readonly name = 'StaleError';
  readonly code = 'KUBE_STALE';
}

/** An object of the name that is needed exists, and has another owner: it is not changed. */
export class NotOwnedError extends Error {
  override readonly name = 'NotOwnedError';
  readonly code = 'NOT_OWNED';
}

/** Whether `error` is a {@link KubeError} with one of these codes. */
export function isKubeError(error: unknown, ...codes: KubeErrorCode[]): error is KubeError {
  return error instanceof KubeError && (codes.length === 0 || codes.includes(error.code));
}

/** Whether an answer is that of a load balancer, or of a server that starts or stops: the API server is away. */
export function isGatewayError(status: number): boolean {
  return status === 502 || status === 503 || status === 504;
}

/** Whether the API server could not be reached; the same request may succeed once it is back. */
export function isUnanswered(error: unknown): boolean {
  return isKubeError(error) && (error.code === 'KUBE_UNREACHABLE' || isGatewayError(error.status));
}

/** Whether the API server rejected a new object because its namespace is being deleted. */
export function isNamespaceTerminating(error: unknown): boolean {
  if (!isKubeError(error, 'KUBE_FORBIDDEN')) return false;
  return error.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating') ?? false;
}

/**
 * Whether the API server rejected an object for what it is or because of who asks: a quota, a policy, a right that is
 * missing. A person has to do something about it; that a token has run out (401) mends itself.
 */
export function isRejection(error: unknown): error is KubeError {
  if (!isKubeError(error, 'KUBE_FORBIDDEN', 'KUBE_INVALID')) return false;
  return error.status !== 401 && !isNamespaceTerminating(error);
}

/**
 * The error for an answer that is not a success.
 * @param request what was asked, for the message: `GET /api/v1/pods`.
 */
export function statusError(
  request: string,
  status: number,
  body: StatusBody,
  retryAfterSeconds?: number,
): KubeError {
  const reason = body.reason ?? '';
  const said = body.message ?? reason;
  return new KubeError(`${request}: ${status} ${said}`.trimEnd(), {
    code: codeOf(status, reason),
    status,
    reason,
    details: body.details,
    said,
    retryAfterSeconds,
  });
}

function codeOf(status: number, reason: string): KubeErrorCode {
  if (status === 409) return reason === 'AlreadyExists' ? 'KUBE_ALREADY_EXISTS' : 'KUBE_CONFLICT';
  if (status === 404) return 'KUBE_NOT_FOUND';
  if (status === 410) return 'KUBE_GONE';
  if (status === 401 || status === 403) return 'KUBE_FORBIDDEN';
  if (status === 429) return 'KUBE_TOO_MANY_REQUESTS';
  return status >= 400 && status < 500 ? 'KUBE_INVALID' : 'KUBE_SERVER';
}
