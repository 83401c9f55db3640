/** The stable codes of what can go wrong between an image's tag and its digest. */
export type RegistryErrorCode =
  | 'IMAGE_INVALID'
  | 'IMAGE_NOT_FOUND'
  | 'REGISTRY_UNAUTHORIZED'
  | 'REGISTRY_UNREACHABLE'
  | 'REGISTRY_TIMEOUT'
  | 'REGISTRY_ANSWER'
  | 'PULL_SECRETS';

/** Why a digest is not known: one sentence that names the image, fit for a revision's condition. */
export abstract class RegistryError extends Error {
  abstract readonly code: RegistryErrorCode;
  /** How long the registry asked to be left alone, in milliseconds (Retry-After). */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options?: ErrorOptions & { retryAfterMs?: number }) {
    super(message, options);
    this.name = new.target.name;
    this.retryAfterMs = options?.retryAfterMs;
  }
}

/** The reference does not parse; asking again cannot help. */
export class ImageInvalidError extends RegistryError {
  override readonly code = 'IMAGE_INVALID';
}

/** The registry knows no such repository or tag. */
export class ImageNotFoundError extends RegistryError {
  override readonly code = 'IMAGE_NOT_FOUND';
}

/** The registry wants other credentials than those of the pull secrets, or any at all. */
export class RegistryUnauthorizedError extends RegistryError {
  override readonly code = 'REGISTRY_UNAUTHORIZED';
}

/** No connection: name, route, port or certificate. */
export class RegistryUnreachableError extends RegistryError {
  override readonly code = 'REGISTRY_UNREACHABLE';
}

/** No complete answer within `registry.timeoutSeconds`. */
export class RegistryTimeoutError extends RegistryError {
  override readonly code = 'REGISTRY_TIMEOUT';
}

/** The registry answered, but with nothing that gives a digest. */
export class RegistryAnswerError extends RegistryError {
  override readonly code = 'REGISTRY_ANSWER';
}

/** The API server did not give the pull secrets, so the registry was not asked. */
export class PullSecretsError extends RegistryError {
  override readonly code = 'PULL_SECRETS';
}
