import type { TSchema } from 'typebox';
import type { Schema } from './schemaValidation.ts';

type Json = Record<string, unknown>;

/** What becomes of a value that is neither a map nor a list, by its schema. */
export type LeafChange = (schema: Schema, value: unknown) => unknown;

/**
 * A value with all changed in it that its schema declares and that is neither a map nor a list. What is not declared
 * stays as it is; a value of which nothing changes is returned itself. Pure.
 */
export function withLeaves<T>(schema: TSchema, value: T, change: LeafChange): T {
  return read(schema as Schema, value, change) as T;
}

function read(schema: Schema, value: unknown, change: LeafChange): unknown {
  if (value === null) return value;
  if (typeof value !== 'object') return change(schema, value);
  return Array.isArray(value) ? readList(schema, value, change) : readMap(schema, value as Json, change);
}

function readList(
  { items, maxItems = Number.POSITIVE_INFINITY }: Schema,
  list: unknown[],
  change: LeafChange,
): unknown[] {
  if (!items || list.length > maxItems) return list;
  const next = list.map((item) => read(items, item, change));
  return next.some((item, i) => item !== list[i]) ? next : list;
}

function readMap({ properties = {}, patternProperties = {} }: Schema, map: Json, change: LeafChange): Json {
  const [entries] = Object.values(patternProperties);
  const changed: Json = {};
  for (const [name, value] of Object.entries(map)) {
    const schema = Object.hasOwn(properties, name) ? properties[name] : entries;
    const next = schema ? read(schema, value, change) : value;
    if (next !== value) changed[name] = next;
  }
  return Object.keys(changed).length > 0 ? { ...map, ...changed } : map;
}
