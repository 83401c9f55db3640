import type { TSchema } from 'typebox';
import type { FieldError } from '../../apis/fieldError.ts';
import type { KindDefinition, ReferencedObjects } from '../../apis/kind.ts';
import { objectErrors } from '../../apis/schemaValidation.ts';
import { deepEqual } from '../../kube/json.ts';
import type { KubeObject } from '../../kube/types.ts';
import { excessOf } from './excess.ts';

/** What is wrong with an object: what keeps it out, and what is only told. */
export interface ValidationResult {
  refused: FieldError[];
  warned: FieldError[];
}

/** An object whose parts all have the declared types, so that defaults and the law can read it. */
export function isReadable(
  definition: KindDefinition,
  schema: TSchema,
  object: unknown,
): object is KubeObject {
  return objectErrors(definition, schema, object).every(({ unreadable }) => !unreadable);
}

/**
 * All errors of an object at once, by its schema and by the law. An error in a part that is sent back as it is stored
 * is only told: after an upgrade that knows more rules, labels and finalizers can still be changed.
 * @param schema that of `spec`, before or after its defaults are filled in.
 * @param previous the stored object, which must be readable.
 */
export function validate(
  definition: KindDefinition,
  schema: TSchema,
  object: unknown,
  { previous, strict, known }: { previous?: KubeObject; strict: boolean; known?: ReferencedObjects },
): ValidationResult {
  const excess = excessOf(object);
  if (excess) {
    // The schema often says more clearly what is too much. It does not go into what it does not declare.
    const shape = excess.wide ? [] : objectErrors(definition, schema, object);
    return { refused: [...shape, excess], warned: [] };
  }
  const isStored = previous === undefined ? () => false : storedParts(definition, object, previous);
  const verdict: ValidationResult = { refused: [], warned: [] };
  for (const error of errorsIn(definition, schema, object, previous, known)) {
    const isTold = (error.strict && (error.advice || !strict)) || isStored(error);
    (isTold ? verdict.warned : verdict.refused).push(error);
  }
  return verdict;
}

/** The law speaks better than the schema, so its word counts where both find error with a field. */
function errorsIn(
  definition: KindDefinition,
  schema: TSchema,
  object: unknown,
  previous?: KubeObject,
  known?: ReferencedObjects,
): FieldError[] {
  const shape = objectErrors(definition, schema, object);
  const unreadable = shape.filter((error) => error.unreadable);
  const legible = unreadable.length === 0 ? object : without(object, unreadable);
  if (unreadable.length > 0 && !isReadable(definition, schema, legible)) return shape;
  // What is said of a list whose item lacks what cannot be read may be no more than a consequence of that.
  const unread = new Set(unreadable.flatMap(({ path }) => [path, path.replace(/\[\d+\]\.\w+$/, '')]));
  const found = definition
    .validate(legible as KubeObject, previous, known)
    .filter(({ path }) => !unread.has(path));
  const judged = new Set(found.map(({ path }) => path));
  return [...shape.filter(({ path }) => !judged.has(path)), ...found];
}

const ANNOTATIONS = 'metadata.annotations';

/** Whether an error is in a part that is sent as it is stored. Parts are compared once, however many errors they have. */
function storedParts(
  { parts }: KindDefinition,
  object: unknown,
  previous: KubeObject,
): (error: FieldError) => boolean {
  const compared = new Map<string, boolean>();
  const isSame = (part: string): boolean => {
    const known = compared.get(part);
    if (known !== undefined) return known;
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

/** The object without the values that cannot be read, so that the law may judge the rest; other parts are shared. */
function without(object: unknown, errors: readonly FieldError[]): unknown {
  const unread = new Set(errors.map(({ path }) => path));
  const sorted = [...unread].sort();
  const copy = (value: unknown, path: string): unknown => {
    if (typeof value !== 'object' || value === null || !startsOne(sorted, path)) return value;
    if (Array.isArray(value)) return value.map((item, index) => copy(item, `${path}[${index}]`));
    const kept = Object.entries(value).flatMap(([key, inner]) => {
      const where = path === '' ? key : `${path}.${key}`;
      return unread.has(where) || unread.has(`${path}[${key}]`) ? [] : [[key, copy(inner, where)]];
    });
    return Object.fromEntries(kept);
  };
  return copy(object, '');
}

/** Whether one of the texts, which are in order, begins with `start`. */
function startsOne(sorted: readonly string[], start: string): boolean {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? '') < start) low = middle + 1;
    else high = middle;
  }
  return sorted[low]?.startsWith(start) ?? false;
}
