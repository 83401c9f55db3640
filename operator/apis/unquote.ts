import type { TSchema } from 'typebox';
import type { Schema } from './schemaValidation.ts';

type Json = Record<string, unknown>;

/**
 * A value with quoted whole numbers converted to numbers where its schema declares an integer: gcloud reads
 * `containerConcurrency: "80"` like that. Everything else stays as it is; a value without such a number is returned
 * itself. Pure.
 */
export function unquoted<T>(schema: TSchema, value: T): T {
  return read(schema as Schema, value) as T;
}

function read(schema: Schema, value: unknown): unknown {
  if (schema['x-kubernetes-int-or-string']) return value;
  if (typeof value === 'string') return schema.type === 'integer' ? numberOf(value) : value;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return readList(schema, value);
  return schema.properties ? readMap(schema.properties, value as Json) : value;
}

/** Digits only: a longer number could not be represented exactly, and no field accepts it. */
function numberOf(text: string): number | string {
  return /^-?\d{1,15}$/.test(text) ? Number(text) : text;
}

function readList({ items, maxItems = Number.POSITIVE_INFINITY }: Schema, list: unknown[]): unknown[] {
  if (!items || list.length > maxItems) return list;
  const next = list.map((item) => read(items, item));
  return next.some((item, i) => item !== list[i]) ? next : list;
}

function readMap(properties: Record<string, Schema>, map: Json): Json {
  const changed: Json = {};
  for (const [name, property] of Object.entries(properties)) {
    if (!Object.hasOwn(map, name)) continue;
    const next = read(property, map[name]);
    if (next !== map[name]) changed[name] = next;
  }
  return Object.keys(changed).length > 0 ? { ...map, ...changed } : map;
}
