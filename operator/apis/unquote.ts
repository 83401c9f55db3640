import type { TSchema } from 'typebox';
import { withLeaves } from './leaves.ts';

/**
 * A value with quoted whole numbers converted to numbers where its schema declares an integer: gcloud reads
 * `containerConcurrency: "80"` like that. Everything else stays as it is; a value without such a number is returned
 * itself. Pure.
 */
export function unquoted<T>(schema: TSchema, value: T): T {
  return withLeaves(schema, value, ({ type }, leaf) =>
    type === 'integer' && typeof leaf === 'string' ? numberOf(leaf) : leaf,
  );
}

/** Digits only: a longer number could not be represented exactly, and no field accepts it. */
function numberOf(text: string): number | string {
  return /^-?\d{1,15}$/.test(text) ? Number(text) : text;
}
