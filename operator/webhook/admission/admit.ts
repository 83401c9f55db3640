import { brief, errorMessage, type FieldError, shortenedErrors } from '../../apis/fieldError.ts';
import type { KindDefinition, ReferencedObjects } from '../../apis/kind.ts';
import { kindOf } from '../../apis/kinds.ts';
import { MAX_OBJECT_NAME } from '../../apis/names.ts';
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
  /** Whether what Knative Serving allows and Cloud Run does not is rejected. */
  strict: boolean;
  /** User name of the controller. Its objects derive from admitted ones and have their defaults already. */
  operator: string;
  /** User name of the Admin API, where it acts for a person without being that person: to run a job. */
  api: string;
  /** Capabilities of the cluster; a feature that it has needs no warning. */
  capabilities: Capabilities;
  /** Names that the chart gives to base images; where it is left out, names are not checked. */
  baseImages?: ReferencedObjects['baseImages'];
}

/**
 * The mutating webhook: sets Cloud Run's defaults and the annotations that name the object's creator and last modifier.
 * It validates as well, because the API server checks the schema before it calls the validating webhook: only here can
 * one response list every error of an object. Pure.
 */
export function admitDefault(
  request: AdmissionRequest,
  policy: Policy,
  referenced?: ReferencedObjects,
): AdmissionResponse {
  const { uid, object } = request;
  const definition = definitionOf(request);
  if (!definition || isLeaving(request) || isOperator(request, policy)) return { uid, allowed: true };
  const previous = previousOf(request, definition);
  const named = withName(withNumbers(object, definition));
  const { strict, baseImages } = policy;
  const known = { baseImages, ...referenced };
  const result = validate(definition, definition.written, named, { previous, strict, referenced: known });
  // A generated name is validated by the validating webhook, which sees it.
  const errors = hasName(object)
    ? result.errors
    : result.errors.filter(({ path }) => path !== 'metadata.name');
  if (errors.length > 0) return rejection(request, errors);
  const written = object as KubeObject;
  const filled = definition.default(named as KubeObject, previous, known);
  const user = authorOf(request, policy, definition);
  const complete = { ...filled, metadata: withNameOf(written, filled.metadata) };
  const patch = patchBetween(
    written,
    definition.authors && user ? signed(complete, previous, user, definition.authors) : complete,
  );
  const warnings = linesOf(
    hiddenByDefaults(filled, result.warnings, (object) =>
      // The validating webhook knows nothing of what the object refers to.
      validate(definition, definition.spec, object, { previous, strict, referenced: { baseImages } }),
    ),
  );
  const response = { uid, allowed: true, ...(warnings.length > 0 ? { warnings } : {}) };
  if (patch.length === 0) return response;
  const encoded = Buffer.from(JSON.stringify(patch)).toString('base64');
  return { ...response, patchType: 'JSONPatch', patch: encoded };
}

/** The API server passes on far fewer warnings. */
const MANY_WARNINGS = 100;

/**
 * The warnings that the validating webhook does not repeat, because setting the defaults removed their cause. Of many,
 * none are shown here: to find them takes as long as to validate the object.
 */
function hiddenByDefaults(
  filled: KubeObject,
  warnings: readonly FieldError[],
  validateFilled: (object: KubeObject) => ValidationResult,
): FieldError[] {
  if (warnings.length === 0 || warnings.length > MANY_WARNINGS) return [];
  const repeated = new Set(validateFilled(filled).warnings.map(({ path }) => path));
  return warnings.filter(({ path }) => !repeated.has(path));
}

/** The validating webhook: validates the object after every mutating webhook has changed it. Pure. */
export function admitValidate(
  request: AdmissionRequest,
  policy: Policy,
  referenced?: ReferencedObjects,
): AdmissionResponse {
  const { uid } = request;
  const definition = definitionOf(request);
  if (!definition || isLeaving(request)) return { uid, allowed: true };
  const own = isOperator(request, policy);
  const known = { baseImages: policy.baseImages, ...referenced };
  // An object admitted under older rules must not block the controller, which reports the error in its status.
  const strict = policy.strict && !own;
  const previous = previousOf(request, definition);
  const object = withName(request.object);
  const result = validate(definition, definition.spec, object, { previous, strict, referenced: known });
  const errors = own ? result.errors.filter(({ wasAllowed }) => !wasAllowed) : result.errors;
  if (errors.length > 0) return rejection(request, errors);
  const warnings = own
    ? []
    : warningsOf(definition, object as KubeObject, result.warnings, policy.capabilities);
  return warnings.length > 0 ? { uid, allowed: true, warnings } : { uid, allowed: true };
}

/**
 * The mutating webhook for objects that refer to others: fills in and validates what depends on them. It comes before the
 * other webhooks, so its answer lists every error of the object. Pure.
 * @param referenced undefined when the object refers to none; the other webhooks do all then.
 */
export function admitReferring(
  request: AdmissionRequest,
  policy: Policy,
  referenced: ReferencedObjects | undefined,
): AdmissionResponse {
  if (!referenced) return { uid: request.uid, allowed: true };
  const admit = isOperator(request, policy) ? admitValidate : admitDefault;
  return admit(request, policy, referenced);
}

/** The kind of the object in a CREATE or UPDATE; undefined for other operations and kinds, which are allowed. */
function definitionOf({ kind, operation }: AdmissionRequest): KindDefinition | undefined {
  if (operation !== 'CREATE' && operation !== 'UPDATE') return undefined;
  return kindOf(kind.group, kind.kind);
}

/** An object being deleted only loses its finalizers. A deletionTimestamp that the client sends does not count. */
function isLeaving({ operation, oldObject }: AdmissionRequest): boolean {
  const { metadata } = (oldObject ?? {}) as { metadata?: { deletionTimestamp?: unknown } | null };
  return operation === 'UPDATE' && typeof metadata?.deletionTimestamp === 'string';
}

function isOperator({ userInfo }: AdmissionRequest, { operator }: Policy): boolean {
  return userInfo?.username === operator;
}

/** Who creates or changes the object: the user, or the person for whom the Admin API says that it creates it. */
function authorOf(
  { operation, object, userInfo }: AdmissionRequest,
  { api }: Policy,
  { authors }: KindDefinition,
): string | undefined {
  const user = userInfo?.username;
  if (user !== api || operation !== 'CREATE' || !authors) return user;
  return (object as KubeObject).metadata.annotations?.[authors.creator] ?? user;
}

/** The stored object; undefined when it predates its schema and cannot be read. */
function previousOf(
  { operation, oldObject }: AdmissionRequest,
  definition: KindDefinition,
): KubeObject | undefined {
  if (operation !== 'UPDATE' || excessOf(oldObject)) return undefined;
  const object = withName(oldObject);
  return isReadable(definition, definition.spec, object) ? object : undefined;
}

/** The object with quoted whole numbers converted: the API server checks types only after the mutating webhooks. */
function withNumbers(object: unknown, { written }: KindDefinition): unknown {
  const { spec } = (object ?? {}) as { spec?: unknown };
  const read = unquoted(written, spec);
  return read === spec ? object : { ...(object as KubeObject), spec: read };
}

function hasName(object: unknown): boolean {
  const { metadata } = (object ?? {}) as { metadata?: Partial<KubeObject['metadata']> | null };
  return typeof metadata !== 'object' || metadata === null || metadata.name !== undefined;
}

/**
 * The object with generateName, less its trailing dashes and dots, as its name: the API server generates the name only
 * after the mutating webhooks.
 */
function withName(object: unknown): unknown {
  if (hasName(object)) return object;
  const { metadata } = object as KubeObject;
  const { generateName } = metadata as { generateName?: unknown };
  const name = typeof generateName === 'string' ? stemOf(generateName) : '';
  return { ...(object as KubeObject), metadata: { ...metadata, name } };
}

/** A regular expression would take quadratic time on a long run of dashes. */
function stemOf(generateName: string): string {
  let end = generateName.length;
  while (end > 0 && '-.'.includes(generateName.charAt(end - 1))) end--;
  return generateName.slice(0, end);
}

/** The metadata with the name as the client sent it, which may be none. */
function withNameOf({ metadata }: KubeObject, filled: KubeObject['metadata']): KubeObject['metadata'] {
  if (metadata.name !== undefined) return filled;
  const { name: _, ...nameless } = filled;
  return nameless as KubeObject['metadata'];
}

function rejection(
  { uid, kind, name, object }: AdmissionRequest,
  errors: readonly FieldError[],
): AdmissionResponse {
  const metadata = (object as Partial<KubeObject> | null | undefined)?.metadata;
  const message = errorMessage(errors);
  const { listed, more } = shortenedErrors(errors);
  const causes = listed.map(({ path, message }) => ({ reason: 'FieldValueInvalid', field: path, message }));
  if (more > 0) causes.push({ reason: 'FieldValueInvalid', field: '', message: `and ${more} more` });
  const shownName = [name, metadata?.name, metadata?.generateName].find(isName) ?? '';
  const details = { group: kind.group, kind: kind.kind, name: brief(shownName, MAX_OBJECT_NAME), causes };
  return {
    uid,
    allowed: false,
    status: { status: 'Failure', code: 422, reason: 'Invalid', message, details },
  };
}

/** A client may have sent any value as the name. */
function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
