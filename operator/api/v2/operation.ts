import type { KubeObject } from '../../kube/types.ts';
import { type Operation, type OperationVerb, operationOf } from '../operations/operations.ts';
import type { Scene } from './call.ts';
import { CONVERSIONS, type Conversion, toMessage } from './conversion/kinds.ts';
import type { Fields } from './conversion/value.ts';

/** The code of an operation whose object does not become ready: FAILED_PRECONDITION. */
const FAILED = 9;

const anyOf = ({ message }: Conversion, fields: Fields): Fields => ({
  '@type': `type.googleapis.com/${message.typeName}`,
  ...fields,
});

/** The operation that a write has begun, as google.longrunning.Operation. */
export function begun(conversion: Conversion, verb: OperationVerb, object: KubeObject, scene: Scene): Fields {
  const { type = object as never } = conversion;
  const { name, uid = '', generation = 1 } = object.metadata;
  const ref = { verb, type, name, uid, generation };
  const operation = operationOf(ref, object);
  return operation ? operationMessage(operation, scene) : {};
}

/** What a request that only validates has for an answer: nothing is to be waited for. */
export function validated(conversion: Conversion, object: KubeObject, { place }: Scene): Fields {
  const shown = anyOf(conversion, toMessage(conversion, object, place));
  return { name: `${place}/operations/validated`, done: true, metadata: shown, response: shown };
}

/** An operation of v2: its metadata is the resource as it is, and so is its response. */
export function operationMessage({ id, ref, done, object, failure }: Operation, { place }: Scene): Fields {
  const conversion = Object.values<Conversion>(CONVERSIONS).find(({ type }) => type?.kind === ref.type.kind);
  const name = `${place}/operations/${id}`;
  if (!conversion) return { name, ...(done ? { done } : {}) };
  const shown = anyOf(
    conversion,
    object ? toMessage(conversion, object, place) : gone(ref.name, conversion, place),
  );
  if (!done) return { name, metadata: shown };
  const outcome = failure === undefined ? { response: shown } : { error: { code: FAILED, message: failure } };
  return { name, done, metadata: shown, ...outcome };
}

/** All that is left of a resource that was deleted. */
function gone(name: string, { message }: Conversion, place: string): Fields {
  const collection = `${message.name.charAt(0).toLowerCase()}${message.name.slice(1)}s`;
  return { name: `${place}/${collection}/${name}` };
}
