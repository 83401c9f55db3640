/** The stable codes of what can go wrong between the Admin API and a store that speaks S3. */
export type S3ErrorCode =
  | 'S3_KEYS'
  | 'S3_DENIED'
  | 'S3_NO_BUCKET'
  | 'S3_NO_OBJECT'
  | 'S3_UNREACHABLE'
  | 'S3_TIMEOUT'
  | 'S3_BUSY'
  | 'S3_ANSWER';

/** Why a store that speaks S3 did not do what it was asked: one sentence that names the request. Match on `code`. */
export class S3Error extends Error {
  override readonly name = 'S3Error';
  readonly code: S3ErrorCode;

  constructor(code: S3ErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}
