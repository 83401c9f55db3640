import { formatted } from '../../apis/fieldError.ts';
import { ApiError } from '../errors.ts';

/** Which bytes a request of an upload has (Cloud Storage JSON API, Resumable uploads: Content-Range). */
export interface ContentRange {
  /** Undefined for a question how far the upload is. */
  from?: number;
  /** Undefined while the whole size is not known. */
  total?: number;
}

/**
 * Reads `bytes 0-99/200`, `bytes 0-99/*` and, of a request without a content, `bytes * /200`; without the header the content
 * is the whole object.
 * @throws {ApiError} INVALID_ARGUMENT
 */
export function readContentRange(header: string | undefined, length: number | undefined): ContentRange {
  if (header === undefined) return { from: 0, total: length };
  const [, from, to, total] = /^bytes (?:(\d{1,15})-(\d{1,15})|\*)\/(\d{1,15}|\*)$/.exec(header) ?? [];
  if (total === undefined || (from !== undefined && Number(from) > Number(to))) {
    const form = 'bytes FIRST-LAST/TOTAL';
    throw new ApiError(
      'INVALID_ARGUMENT',
      `The header Content-Range is ${formatted(header)}; it must be ${form}.`,
    );
  }
  const size = total === '*' ? {} : { total: Number(total) };
  if (from === undefined) return size;
  return { from: Number(from), ...size };
}
