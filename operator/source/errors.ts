export type SourceErrorCode =
  /** An entry that is not unpacked, or more than the limits allow. */
  | 'SOURCE_REFUSED'
  /** It is no archive, or a damaged one. */
  | 'SOURCE_UNREADABLE'
  /** There is no such archive for this project. */
  | 'SOURCE_MISSING'
  /** It cannot be had now. */
  | 'SOURCE_UNAVAILABLE';

/** Why a source is not unpacked, in one sentence that names the entry if there is one. Match on `code`. */
export class SourceError extends Error {
  override readonly name = 'SourceError';
  readonly code: SourceErrorCode;

  constructor(code: SourceErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * An entry that is not unpacked.
 * @param name as it stands in the archive; what is no text of one line is escaped.
 */
export function refused(name: string, why: string): SourceError {
  const shown = JSON.stringify(name.length > MOST_SHOWN ? `${name.slice(0, MOST_SHOWN)}…` : name);
  return new SourceError('SOURCE_REFUSED', `The archive's entry ${shown} ${why}.`);
}

const MOST_SHOWN = 200;
