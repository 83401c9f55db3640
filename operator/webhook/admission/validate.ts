import type { TSchema } from 'typebox';
import type { FieldError } from '../../apis/fieldError.ts';
import type { KindDefinition, ReferencedObjects } from '../../apis/kind.ts';
import { mergedErrors, objectErrors } from '../../apis/schemaValidation.ts';
import { deepEqual } from '../../kube/json.ts';
import type { KubeObject } from '../../kube/types.ts';
import { excessOf } from './excess.ts';

/** The result of validating an object: an error rejects it, a warning does not. */
export interface ValidationResult {
  errors: FieldError[];
  warnings: FieldError[];
}

/** Whether every part of an object has its declared type, so that defaulting and validation can read it. */
export function isReadable(
  definition: KindDefinition,
  schema: TSchema,
  object: unknown,
): object is KubeObject {
  return objectErrors(definition, schema, object).every(({ unreadable }) => !unreadable);
}

/**
 * Validates an object against its schema and the rules of its kind, and returns all errors at once. An error in a part
 * that is unchanged from the stored object is a warning only: after an upgrade that adds rules, labels and finalizers
 * can still be changed.
 * @param schema the schema of `spec`, before or after defaulting.
 * @param previous the stored object, which must be readable.
 */
export function validate(
  definition: KindDefinition,
  schema: TSchema,
  object: unknown,
  {
    previous,
    strict,
    referenced,
  }: { previous?: KubeObject; strict: boolean; referenced?: ReferencedObjects },
): ValidationResult {
  const excess = excessOf(object);
  if (excess) {
    // The schema often reports more precisely what is too large, and does not descend into undeclared fields.
    const bySchema = excess.large ? [] : objectErrors(definition, schema, object);
    return { errors: [...bySchema, excess], warnings: [] };
  }
  const isUnchanged = previous === undefined ? () => false : unchangedParts(definition, object, previous);
  const result: ValidationResult = { errors: [], warnings: [] };
  for (const error of errorsIn(definition, schema, object, previous, referenced)) {
    const isWarning = (error.strict && (error.advice || !strict)) || isUnchanged(error);
    (isWarning ? result.warnings : result.errors).push(error);
  }
  return result;
}

/** All errors of an object, whatever its policy; the rules read what the schema finds readable. */
function errorsIn(
  definition: KindDefinition,
  schema: TSchema,
  object: unknown,
  previous?: KubeObject,
  referenced?: ReferencedObjects,
): FieldError[] {
  const bySchema = objectErrors(definition, schema, object);
  const unreadable = bySchema.filter((error) => error.unreadable);
  const readable = unreadable.length === 0 ? object : without(object, unreadable);
  if (readable === undefined) return bySchema;
  if (unreadable.length > 0 && !isReadable(definition, schema, readable)) return bySchema;
  // An error of a list whose item lost an unreadable field may be no more than a consequence of that.
  const removed = new Set(unreadable.flatMap(({ path }) => [path, path.replace(/\[\d+\]\.\w+$/, '')]));
  const byRules = definition
    .validate(readable as KubeObject, previous, referenced)
    .filter(({ path }) => !removed.has(path));
  return mergedErrors(bySchema, byRules);
}

const ANNOTATIONS = 'metadata.annotations';

/** Whether an error is in a part that equals the stored one. Each part is compared once, however many errors it has. */
function unchangedParts(
  { parts }: KindDefinition,
  object: unknown,
  previous: KubeObject,
): (error: FieldError) => boolean {
  const compared = new Map<string, boolean>();
  const isSame = (part: string): boolean => {
    const cached = compared.get(part);
    if (cached !== undefined) return cached;
    const same = deepEqual(partAt(object, part), partAt(previous, part));
    compared.set(part, same);
    return same;
  };
  return ({ path }) => {
    if (path.startsWith(`${ANNOTATIONS}[`)) {
      const key = path.slice(ANNOTATIONS.length + 1, path.indexOf(']'));
      return annotationOf(object, key) === annotationOf(previous, key);
    }
    const part = [...parts, 'spec'].find((name) => path.startsWith(name));
    return part !== undefined && isSame(part);
  };
}

function annotationOf(object: unknown, key: string): string | undefined {
  const { annotations = {} } = (object as KubeObject).metadata;
  return Object.hasOwn(annotations, key) ? annotations[key] : undefined;
}

function partAt(object: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], object);
}

/**
 * The object without its unreadable values, so that the rest can be validated; other parts are shared. undefined when
 * one of them is an item of a list: without it, the paths of the others would be wrong.
 */
function without(object: unknown, errors: readonly FieldError[]): unknown {
  const removed = new Set(errors.map(({ path }) => path));
  const sorted = [...removed].sort();
  let unremovable = false;
  const copy = (value: unknown, path: string): unknown => {
    if (removed.has(path)) unremovable = true;
    if (typeof value !== 'object' || value === null || unremovable || !isPrefix(sorted, path)) return value;
    if (Array.isArray(value)) return value.map((item, index) => copy(item, `${path}[${index}]`));
    const kept = Object.entries(value).flatMap(([key, inner]) => {
      const where = path === '' ? key : `${path}.${key}`;
      return removed.has(where) || removed.has(`${path}[${key}]`) ? [] : [[key, copy(inner, where)]];
    });
    return Object.fromEntries(kept);
  };
  const rest = copy(object, '');
  return unremovable ? undefined : rest;
}

/** Whether one of the sorted strings starts with `start`. */
function isPrefix(sorted: readonly string[], start: string): boolean {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? '') < start) low = middle + 1;
    else high = middle;
  }
  return sorted[low]?.startsWith(start) ?? false;
}
