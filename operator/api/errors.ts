/** The names of google.rpc.Code that the Admin API answers with. */
export type ApiCode =
  | 'INVALID_ARGUMENT'
  | 'UNAUTHENTICATED'
  | 'PERMISSION_DENIED'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'ABORTED'
  | 'FAILED_PRECONDITION'
  | 'RESOURCE_EXHAUSTED'
  | 'UNIMPLEMENTED'
  | 'UNAVAILABLE'
  | 'DEADLINE_EXCEEDED'
  | 'INTERNAL';

/** The number of a code in gRPC, and its HTTP status (google/rpc/code.proto). */
const STATUS: Readonly<Record<ApiCode, { grpc: number; http: number }>> = {
  INVALID_ARGUMENT: { grpc: 3, http: 400 },
  DEADLINE_EXCEEDED: { grpc: 4, http: 504 },
  NOT_FOUND: { grpc: 5, http: 404 },
  ALREADY_EXISTS: { grpc: 6, http: 409 },
  PERMISSION_DENIED: { grpc: 7, http: 403 },
  RESOURCE_EXHAUSTED: { grpc: 8, http: 429 },
  FAILED_PRECONDITION: { grpc: 9, http: 400 },
  ABORTED: { grpc: 10, http: 409 },
  UNIMPLEMENTED: { grpc: 12, http: 501 },
  INTERNAL: { grpc: 13, http: 500 },
  UNAVAILABLE: { grpc: 14, http: 503 },
  UNAUTHENTICATED: { grpc: 16, http: 401 },
};

/** A message of google.rpc as JSON, with its `@type`. */
export type ErrorDetail = object;

/** What a client of the Admin API is answered instead of a result. Match on `code`. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: ApiCode;
  readonly details: readonly ErrorDetail[];

  constructor(
    code: ApiCode,
    message: string,
    options: { details?: readonly ErrorDetail[]; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.details = options.details ?? [];
  }

  /** The HTTP status that stands for the code. */
  get httpStatus(): number {
    return STATUS[this.code].http;
  }

  /** The number of the code in gRPC. */
  get grpcCode(): number {
    return STATUS[this.code].grpc;
  }
}

/** The body of an answer over REST (AIP-193). */
export function errorBody({ httpStatus, message, code, details }: ApiError): object {
  const list = details.length > 0 ? { details } : {};
  return { error: { code: httpStatus, message, status: code, ...list } };
}

/** A field of a request and what is wrong with it. */
export interface FieldViolation {
  field: string;
  description: string;
}

/** INVALID_ARGUMENT that names the fields (google.rpc.BadRequest). */
export function invalidFields(violations: readonly FieldViolation[], message?: string): ApiError {
  const text = message ?? violations.map(({ field, description }) => `${field}: ${description}`).join('\n');
  const details = [{ '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations: violations }];
  return new ApiError('INVALID_ARGUMENT', text, { details });
}

/** Why, in a form for programs (google.rpc.ErrorInfo). */
export function errorInfo(reason: string, domain: string, more: object = {}): ErrorDetail {
  return { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason, domain, ...more };
}
