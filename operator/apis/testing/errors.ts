import type { KubeObject } from '../../kube/types.ts';
import type { FieldError } from '../fieldError.ts';
import type { KindDefinition, ReferencedObjects } from '../kind.ts';
import { objectErrors } from '../schemaValidation.ts';

/** All that is wrong with an object: by its schema, which alone has the ranges, and by the rules of its kind. */
export function errorsOf<T extends KubeObject>(
  definition: KindDefinition<T>,
  object: T,
  previous?: T,
  referenced?: ReferencedObjects,
): FieldError[] {
  const errors = definition.validate(object, previous, referenced);
  const paths = new Set(errors.map(({ path }) => path));
  const ofSchema = objectErrors(definition, definition.written, object);
  return [...ofSchema.filter(({ path }) => !paths.has(path)), ...errors];
}
