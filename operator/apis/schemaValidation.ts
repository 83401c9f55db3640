import { type TSchema, Type } from 'typebox';
import { at, type FieldError, formatted, keyed, MOST_FOUND } from './fieldError.ts';
import { canonicalQuantity } from './quantity.ts';
import { type CelRule, QUANTITY_PATTERN, textMap } from './schema.ts';

/**
 * The value has the wrong type or lacks a required field, so validation cannot read the object.
 * Other errors (ranges, lengths, patterns) leave it readable.
 */
export interface SchemaError extends FieldError {
  unreadable: boolean;
}

/** The subset of JSON Schema that our kinds are declared in (schema.ts). */
export interface Schema {
  description?: string;
  type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  nullable?: boolean;
  properties?: Record<string, Schema>;
  required?: string[];
  patternProperties?: Record<string, Schema>;
  maxProperties?: number;
  items?: Schema;
  minItems?: number;
  maxItems?: number;
  enum?: string[];
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  'x-kubernetes-int-or-string'?: boolean;
  'x-kubernetes-validations'?: CelRule[];
}

const TYPE_NAMES = {
  object: 'a map',
  array: 'a list',
  string: 'a text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
} as const;

/**
 * What is wrong with a value by its schema alone, all of it, each error with field, value and allowed range. The API
 * server checks the same schema later, but reports less and stops before validation.
 */
export function schemaErrors(schema: TSchema, value: unknown, path: string): SchemaError[] {
  const errors: SchemaError[] = [];
  check(schema as Schema, value, path, errors);
  return errors;
}

/** The part of the metadata that validation reads. */
const METADATA = Type.Object({
  // Admission derives a missing name from generateName; a name that is not a string cannot be validated.
  name: Type.String(),
  namespace: Type.Optional(Type.String()),
  generateName: Type.Optional(Type.String()),
  deletionTimestamp: Type.Optional(Type.String()),
  labels: textMap(100_000),
  annotations: textMap(100_000),
});

/**
 * What is wrong with metadata and spec of a whole object by their schemas alone.
 * @param schema that of `spec`, before or after its defaults are filled in.
 */
export function objectErrors(
  { specOptional }: { specOptional?: boolean },
  schema: TSchema,
  object: unknown,
): SchemaError[] {
  const { metadata, spec } = (object ?? {}) as { metadata?: unknown; spec?: unknown };
  const declared = spec === undefined && specOptional ? {} : spec;
  return [...schemaErrors(METADATA, metadata, 'metadata'), ...schemaErrors(schema, declared, 'spec')];
}

/**
 * What the schema and the rules of a kind report of an object, together. Where both report a field, the rules have the
 * better message and win, unless theirs is about Cloud Run alone: the API server would not store the object.
 */
export function mergedErrors(bySchema: readonly SchemaError[], byRules: readonly FieldError[]): FieldError[] {
  const outOfSchema = new Set(bySchema.map(({ path }) => path));
  const kept = byRules.filter(({ path, strict }) => !(strict && outOfSchema.has(path)));
  const ruled = new Set(kept.map(({ path }) => path));
  return [...bySchema.filter(({ path }) => !ruled.has(path)), ...kept];
}

function check(schema: Schema, value: unknown, path: string, errors: SchemaError[]): void {
  const last = errors[MOST_FOUND - 1];
  if (last) {
    // The items may have any type, so validation cannot read the object.
    last.unreadable = true;
    return;
  }
  if (value === null && schema.nullable) return;
  if (schema['x-kubernetes-int-or-string']) {
    if (Number.isInteger(value)) checkNumber(schema, value as number, path, errors);
    else if (typeof value === 'string') checkText(schema, value, path, errors);
    else if (typeof value === 'number') fraction(schema, value, path, errors);
    else wrongType('a whole number or a text', value, path, errors);
    return;
  }
  if (!isOfType(schema, value)) {
    wrongType(wantedOf(schema), value, path, errors);
    return;
  }
  if (Array.isArray(value)) checkList(schema, value, path, errors);
  else if (typeof value === 'object' && value !== null) {
    checkMap(schema, value as Record<string, unknown>, path, errors);
  } else if (typeof value === 'string') checkText(schema, value, path, errors);
  else if (typeof value === 'number') checkNumber(schema, value, path, errors);
}

function isOfType({ type }: Schema, value: unknown): boolean {
  if (value === null || value === undefined) return false;
  if (type === 'array') return Array.isArray(value);
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'object') return typeof value === 'object' && !Array.isArray(value);
  return type === undefined || typeof value === type;
}

function wantedOf({ type, minimum, maximum }: Schema): string {
  const range = type === 'integer' && maximum !== undefined ? ` from ${minimum ?? 0} to ${maximum}` : '';
  return type ? `${TYPE_NAMES[type]}${range}` : 'set';
}

function wrongType(wanted: string, value: unknown, path: string, errors: SchemaError[]): void {
  const message =
    value === undefined
      ? 'must be set'
      : `is ${formatted(value)}; it must be ${wanted}${quotes(wanted, value)}`;
  errors.push({ path, value, message, unreadable: true });
}

/** A number that is not whole loses its notation in JSON, so Kubernetes accepts it as a string only. */
function fraction({ pattern }: Schema, value: number, path: string, errors: SchemaError[]): void {
  const text = String(value);
  const isQuantity = pattern === QUANTITY_PATTERN && new RegExp(QUANTITY_PATTERN).test(text);
  const other = isQuantity ? `, or write ${canonicalQuantity(text)}` : '';
  const message = `is ${text}; put it in quotes, "${text}"${other}`;
  errors.push({ path, value, message, unreadable: true });
}

/** What most often makes YAML of the wrong type: quotes that are missing, or too many. */
function quotes(wanted: string, value: unknown): string {
  const isPlain = typeof value === 'number' || typeof value === 'boolean';
  if (wanted === TYPE_NAMES.string && isPlain) return `: put it in quotes, "${value}"`;
  const isNumber = typeof value === 'string' && /^-?\d{1,15}$/.test(value);
  if (wanted.startsWith(TYPE_NAMES.integer) && isNumber) return ', without quotes';
  const isFlag = value === 'true' || value === 'false';
  return wanted === TYPE_NAMES.boolean && isFlag ? ', without quotes' : '';
}

function checkMap(schema: Schema, map: Record<string, unknown>, path: string, errors: SchemaError[]): void {
  for (const name of schema.required ?? []) {
    if (map[name] !== undefined) continue;
    errors.push({ path: `${path}.${name}`, message: 'must be set', unreadable: true });
  }
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (map[name] !== undefined) check(property, map[name], `${path}.${name}`, errors);
  }
  const [values] = Object.values(schema.patternProperties ?? {});
  if (!values) return;
  const keys = Object.keys(map);
  const { maxProperties = Number.POSITIVE_INFINITY } = schema;
  if (keys.length > maxProperties) tooMany(keys.length, 'entries', maxProperties, path, errors);
  else for (const key of keys) check(values, map[key], keyed(path, key), errors);
}

function checkList(schema: Schema, list: unknown[], path: string, errors: SchemaError[]): void {
  const { minItems = 0, maxItems = Number.POSITIVE_INFINITY, items } = schema;
  if (list.length > maxItems) {
    tooMany(list.length, 'items', maxItems, path, errors);
    return;
  }
  if (list.length < minItems) {
    const message = `has ${list.length} items; it must have at least ${minItems}`;
    errors.push({ path, value: list.length, message, unreadable: false });
  }
  if (!items) return;
  for (const [index, item] of list.entries()) check(items, item, at(path, index), errors);
}

/** The items of a list or map that is too large are not validated: that could take seconds. */
function tooMany(count: number, what: string, most: number, path: string, errors: SchemaError[]): void {
  const message = `has ${count} ${what}; it may have at most ${most}`;
  errors.push({ path, value: count, message, unreadable: true });
}

function checkNumber(schema: Schema, value: number, path: string, errors: SchemaError[]): void {
  const { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY } = schema;
  if (value >= minimum && value <= maximum) return;
  const range = Number.isFinite(maximum) ? `from ${minimum} to ${maximum}` : `of at least ${minimum}`;
  const message = `is ${value}; it must be a whole number ${range}`;
  errors.push({ path, value, message, unreadable: false });
}

function checkText(schema: Schema, value: string, path: string, errors: SchemaError[]): void {
  const { minLength = 0, maxLength = Number.POSITIVE_INFINITY, pattern } = schema;
  const say = (message: string) => errors.push({ path, value, message, unreadable: false });
  if (schema.enum && !schema.enum.includes(value)) {
    const choices = schema.enum.filter((choice) => choice !== '');
    say(`is ${formatted(value)}; it must be one of ${choices.join(', ')}`);
    return;
  }
  if (value.length < minLength) {
    say(value === '' ? 'is empty; it must be set' : `must have at least ${minLength} characters`);
  } else if (value.length > LONGEST_READ && maxLength <= LONGEST_READ) {
    const message = `is longer than ${LONGEST_READ} characters; it may have at most ${maxLength}`;
    errors.push({ path, value, message, unreadable: true });
  } else if (value.length > maxLength && [...value].length > maxLength) {
    say(`has ${[...value].length} characters; it may have at most ${maxLength}`);
  } else if (pattern && !expression(pattern).test(value)) {
    say(`is ${formatted(value)}; it must ${wantedBy(pattern)}`);
  }
}

/** A string that is too long for its field is validated too, unless that would take too long. */
const LONGEST_READ = 131_072;

/** A pattern that only lists words, in words. */
function wantedBy(pattern: string): string {
  const [, list] = /^\^\(([\w|]+)\)\$$/.exec(pattern) ?? [];
  if (list === undefined) return `match ${pattern}`;
  const words = list.split('|').filter((word) => word !== '');
  return `be ${words.join(', ')}${list.endsWith('|') ? ' or unset' : ''}`;
}

const expressions = new Map<string, RegExp>();

/** The schema's own patterns, so there are few. */
function expression(pattern: string): RegExp {
  const known = expressions.get(pattern);
  if (known) return known;
  const made = new RegExp(pattern, 'u');
  expressions.set(pattern, made);
  return made;
}
