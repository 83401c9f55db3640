import { contentHash } from '../../kube/json.ts';
import { invalidFields } from '../errors.ts';
import type { Cursor } from './page.ts';
import { canonicalTime } from './time.ts';

/** A page token: where the page ended, and which search it is of. */
export function tokenOf({ time, skip }: Cursor, search: unknown): string {
  return Buffer.from(JSON.stringify([time, skip, contentHash(search)])).toString('base64url');
}

/** @throws {ApiError} INVALID_ARGUMENT for what is no token, and for that of another search. */
export function cursorOf(token: string, search: unknown): Cursor {
  const [time, skip, hash] = parts(token);
  if (
    typeof time !== 'string' ||
    canonicalTime(time) !== time ||
    !Number.isSafeInteger(skip) ||
    (skip as number) < 0
  )
    throw wrong('is not one that an earlier answer gave');
  if (hash !== contentHash(search))
    throw wrong(
      'is of a request with another filter, order or resource; these must stay the same from page to page',
    );
  return { time, skip: skip as number };
}

function parts(token: string): unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

function wrong(description: string): Error {
  return invalidFields([{ field: 'pageToken', description }]);
}
