import assert from 'node:assert/strict';
import type { KubeObject } from '../../kube/types.ts';
import type { FieldError } from '../fieldError.ts';
import type { KindDefinition, ReferencedObjects } from '../kind.ts';
import { mergedErrors, objectErrors } from '../schemaValidation.ts';

/** All that is wrong with an object: by its schema, which alone has the ranges, and by the rules of its kind. */
export function errorsOf<T extends KubeObject>(
  definition: KindDefinition<T>,
  object: T,
  previous?: T,
  referenced?: ReferencedObjects,
): FieldError[] {
  const byRules = definition.validate(object, previous, referenced);
  return mergedErrors(objectErrors(definition, definition.written, object), byRules);
}

/** What a case expects of the errors of an object. */
export interface ExpectedErrors {
  /** Path and message of each error, in order; none means accepted. */
  errors?: readonly (readonly [path: string, message: RegExp])[];
  /** Whether only strict mode rejects it. */
  strict?: boolean;
}

/** Asserts that these are the expected errors, in their order, and all of them of strict mode or not. */
export function assertErrors(
  errors: readonly FieldError[],
  { errors: expected = [], strict = false }: ExpectedErrors,
): void {
  assert.deepEqual(
    errors.map(({ path }) => path),
    expected.map(([path]) => path),
    shown(errors),
  );
  for (const [i, [, message]] of expected.entries()) assert.match(errors[i]?.message ?? '', message);
  assert.equal(
    errors.every((error) => error.strict),
    errors.length === 0 || strict,
  );
}

/** Errors as a line each. */
export function shown(errors: readonly FieldError[]): string {
  return errors.map(({ path, message }) => `${path}: ${message}`).join('\n');
}
