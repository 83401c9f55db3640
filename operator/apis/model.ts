import { createTypeMetaGuard, Model, type ModelData } from '@kubernetes-models/base';
import type { KubeObject } from '../kube/types.ts';
import { errorMessage, type FieldError } from './fieldError.ts';
import type { KindDefinition } from './kind.ts';
import { objectErrors } from './schemaValidation.ts';

/** An object is not what the schema of its kind allows. */
export class InvalidObjectError extends Error {
  readonly code = 'INVALID_OBJECT';
  readonly errors: readonly FieldError[];

  constructor(kind: string, errors: readonly FieldError[]) {
    super(`invalid ${kind}: ${errorMessage(errors)}`);
    this.errors = errors;
  }
}

/**
 * The class of a kind's objects, as kubernetes-models has one for each of Kubernetes' own kinds: `new` fills in
 * apiVersion and kind, `validate` checks the schema and throws {@link InvalidObjectError}, `is` recognizes objects of the
 * kind from others by apiVersion and kind.
 */
export function modelOf<T extends KubeObject>(definition: KindDefinition<T>) {
  const { apiVersion, kind } = definition.type;
  const type = { apiVersion, kind };
  return class extends Model<T> {
    static readonly is = createTypeMetaGuard<T>(type);

    constructor(data: ModelData<T>) {
      super({ ...type, ...data } as ModelData<T>);
    }

    override validate(): void {
      const errors = objectErrors(definition, definition.spec, this);
      if (errors.length > 0) throw new InvalidObjectError(kind, errors);
    }
  };
}
