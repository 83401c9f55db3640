import { formatted } from '../../apis/fieldError.ts';
import { invalidFields } from '../errors.ts';
import type { Page } from '../resources/resources.ts';

/** A query as the client sent it; a parameter that comes twice is a list. */
export type RawQuery = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Most objects of a page, as on Cloud Run; a list without a limit has all. */
const LONGEST_PAGE = 1000;

/** The text of a parameter; undefined when it is unset or empty. @throws {ApiError} when it comes twice. */
export function text(query: RawQuery, name: string): string | undefined {
  const value = query[name];
  if (value === undefined || typeof value === 'string') return value || undefined;
  throw wrong(name, value, 'given once');
}

/** Whether nothing is to be changed: `dryRun=all`. */
export function isDryRun(query: RawQuery): boolean {
  const value = text(query, 'dryRun');
  if (value === undefined) return false;
  if (value.toLowerCase() === 'all') return true;
  throw wrong('dryRun', value, '"all"');
}

/** Which part of a list is asked for. */
export function pageOf(query: RawQuery): Page {
  const limit = text(query, 'limit');
  if (limit !== undefined && !/^\d{1,9}$/.test(limit)) throw wrong('limit', limit, 'a whole number from 0');
  const most = Math.min(Number(limit ?? 0), LONGEST_PAGE);
  return {
    ...(most > 0 ? { limit: most } : {}),
    continue: text(query, 'continue'),
    labelSelector: text(query, 'labelSelector'),
  };
}

/** @throws {ApiError} INVALID_ARGUMENT for deletions that leave dependents behind. */
export function checkDeletion(query: RawQuery): void {
  const policy = text(query, 'propagationPolicy');
  if (policy === undefined || /^(background|foreground)$/i.test(policy)) return;
  throw wrong('propagationPolicy', policy, '"background" or "foreground"');
}

export function wrong(field: string, value: unknown, allowed: string) {
  return invalidFields([{ field, description: `is ${formatted(value)}; it must be ${allowed}` }]);
}
