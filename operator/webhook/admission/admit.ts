import { brief, errorMessage, type FieldError, shortenedErrors } from '../../apis/fieldError.ts';
import type { KindDefinition, ReferencedObjects } from '../../apis/kind.ts';
import { kindOf } from '../../apis/kinds.ts';
import { unquoted } from '../../apis/unquote.ts';
import type { Capabilities, KubeObject } from '../../kube/types.ts';
import { signed } from './authors.ts';
import { excessOf } from './excess.ts';
import { patchBetween } from './jsonPatch.ts';
import type { AdmissionRequest, AdmissionResponse } from './review.ts';
import { isReadable, type ValidationResult, validate } from './validate.ts';
import { linesOf, warningsOf } from './warnings.ts';

/** What admission depends on beside the request. */
export interface Policy {
  /** Whether what Knative Serving allows and Cloud Run does not is refused. */
  strict: boolean;
  /** User name of the controller. Its objects are made of admitted ones and arrive complete. */
  operator: string;
  /** What the cluster can do, and so what need not be warned of. */
  abilities: Capabilities;
}

/**
 * The mutating half: fills in Cloud Run's defaults, and who made and changed the object. It judges as well, because
 * the API server checks the schema before it asks the validating half: only here can all that is wrong with an
 * object be told in one answer. Pure.
 */
export function admitDefault(
  request: AdmissionRequest,
  policy: Policy,
  known?: ReferencedObjects,
): AdmissionResponse {
  const { uid, object } = request;
  const definition = definitionOf(request);
  if (!definition || isLeaving(request) || isOperator(request, policy)) return { uid, allowed: true };
  const previous = previousOf(request, definition);
  const named = withName(withNumbers(object, definition));
  const around = { previous, strict: policy.strict, known };
  const { refused, warned } = validate(definition, definition.written, named, around);
  // The name that the API server makes up is judged when it is known.
  const errors = hasName(object) ? refused : refused.filter(({ path }) => path !== 'metadata.name');
  if (errors.length > 0) return refusal(request, errors);
  const written = object as KubeObject;
  const filled = definition.default(named as KubeObject, previous, known);
  const user = request.userInfo?.username;
  const complete = { ...filled, metadata: withNameOf(written, filled.metadata) };
  const patch = patchBetween(
    written,
    definition.authors && user ? signed(complete, previous, user, definition.authors) : complete,
  );
  const warnings = linesOf(
    hiddenBy(filled, warned, (object) => validate(definition, definition.spec, object, around)),
  );
  const answer = { uid, allowed: true, ...(warnings.length > 0 ? { warnings } : {}) };
  if (patch.length === 0) return answer;
  const encoded = Buffer.from(JSON.stringify(patch)).toString('base64');
  return { ...answer, patchType: 'JSONPatch', patch: encoded };
}

/** Of what is to be told that which the validating half cannot find any more once defaults are filled in. */
function hiddenBy(
  filled: KubeObject,
  warned: readonly FieldError[],
  judgeAgain: (object: KubeObject) => ValidationResult,
): FieldError[] {
  if (warned.length === 0) return [];
  const later = new Set(judgeAgain(filled).warned.map(({ path }) => path));
  return warned.filter(({ path }) => !later.has(path));
}

/** The validating half: the last word, after every other webhook had its own. Pure. */
export function admitValidate(
  request: AdmissionRequest,
  policy: Policy,
  known?: ReferencedObjects,
): AdmissionResponse {
  const { uid } = request;
  const definition = definitionOf(request);
  if (!definition || isLeaving(request)) return { uid, allowed: true };
  const own = isOperator(request, policy);
  // What was let in under other rules must not hold up the controller: it says on the object what is wrong.
  const strict = policy.strict && !own;
  const previous = previousOf(request, definition);
  const object = withName(request.object);
  const { refused, warned } = validate(definition, definition.spec, object, { previous, strict, known });
  if (refused.length > 0) return refusal(request, refused);
  const warnings = own ? [] : warningsOf(definition, object as KubeObject, warned, policy.abilities);
  return warnings.length > 0 ? { uid, allowed: true, warnings } : { uid, allowed: true };
}

/** Only objects that are made or changed are judged; nothing that is asked for other kinds or verbs is held up. */
function definitionOf({ kind, operation }: AdmissionRequest): KindDefinition | undefined {
  if (operation !== 'CREATE' && operation !== 'UPDATE') return undefined;
  return kindOf(kind.group, kind.kind);
}

/** An object on its way out only loses its finalizers. What a client sends as deletionTimestamp does not count. */
function isLeaving({ operation, oldObject }: AdmissionRequest): boolean {
  const { metadata } = (oldObject ?? {}) as { metadata?: { deletionTimestamp?: unknown } | null };
  return operation === 'UPDATE' && typeof metadata?.deletionTimestamp === 'string';
}

function isOperator({ userInfo }: AdmissionRequest, { operator }: Policy): boolean {
  return userInfo?.username === operator;
}

/** The stored object; an unreadable one, from before its schema, counts as none. */
function previousOf(
  { operation, oldObject }: AdmissionRequest,
  definition: KindDefinition,
): KubeObject | undefined {
  if (operation !== 'UPDATE' || excessOf(oldObject)) return undefined;
  const object = withName(oldObject);
  return isReadable(definition, definition.spec, object) ? object : undefined;
}

/** With whole numbers out of their quotes: the API server looks at types only after this half has answered. */
function withNumbers(object: unknown, { written }: KindDefinition): unknown {
  const { spec } = (object ?? {}) as { spec?: unknown };
  const read = unquoted(written, spec);
  return read === spec ? object : { ...(object as KubeObject), spec: read };
}

function hasName(object: unknown): boolean {
  const { metadata } = (object ?? {}) as { metadata?: Partial<KubeObject['metadata']> | null };
  return typeof metadata !== 'object' || metadata === null || metadata.name !== undefined;
}

/** The API server adds five letters to generateName only after the first half; until then its stem must do. */
function withName(object: unknown): unknown {
  if (hasName(object)) return object;
  const { metadata } = object as KubeObject;
  const { generateName } = metadata as { generateName?: unknown };
  const name = typeof generateName === 'string' ? stemOf(generateName) : '';
  return { ...(object as KubeObject), metadata: { ...metadata, name } };
}

/** Without the dashes and dots at the end, that is. A regular expression would begin anew at each dash of a long row. */
function stemOf(generateName: string): string {
  let end = generateName.length;
  while (end > 0 && '-.'.includes(generateName.charAt(end - 1))) end--;
  return generateName.slice(0, end);
}

/** The metadata with the name that was written, or none. */
function withNameOf({ metadata }: KubeObject, filled: KubeObject['metadata']): KubeObject['metadata'] {
  if (metadata.name !== undefined) return filled;
  const { name: _, ...nameless } = filled;
  return nameless as KubeObject['metadata'];
}

function refusal(
  { uid, kind, name, object }: AdmissionRequest,
  errors: readonly FieldError[],
): AdmissionResponse {
  const metadata = (object as Partial<KubeObject> | null | undefined)?.metadata;
  const message = errorMessage(errors);
  const { told, more } = shortenedErrors(errors);
  const causes = told.map(({ path, message }) => ({ reason: 'FieldValueInvalid', field: path, message }));
  if (more > 0) causes.push({ reason: 'FieldValueInvalid', field: '', message: `and ${more} more` });
  const called = [name, metadata?.name, metadata?.generateName].find(isName) ?? '';
  const details = { group: kind.group, kind: kind.kind, name: brief(called, LONGEST_NAME), causes };
  return {
    uid,
    allowed: false,
    status: { status: 'Failure', code: 422, reason: 'Invalid', message, details },
  };
}

/** Whatever a client has sent may stand in place of a name. */
function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

/** Longest name of any object (Kubernetes, Object names). */
const LONGEST_NAME = 253;
