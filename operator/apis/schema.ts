import { type TProperties, type TSchema, type TUnsafe, Type } from 'typebox';

/**
 * Building blocks of our CRD schemas: TypeBox schemas limited to what a Kubernetes structural schema may hold
 * (CustomResourceDefinition, Specifying a structural schema). `operator/generate` turns them into YAML, and types.ts of
 * each kind infers its types.
 */

/** A CEL rule that the API server itself checks, webhook or not. `self` is the value that carries the rule. */
export interface CelRule {
  rule: string;
  message?: string;
  messageExpression?: string;
  reason?: 'FieldValueInvalid' | 'FieldValueForbidden' | 'FieldValueRequired' | 'FieldValueDuplicate';
  fieldPath?: string;
  optionalOldSelf?: boolean;
}

/** The vendor extension that carries CEL rules. */
export function rules(...list: CelRule[]): { 'x-kubernetes-validations': CelRule[] } {
  return { 'x-kubernetes-validations': list };
}

/** What may stand beside a type and its description, which `kubectl explain` shows: limits and rules. */
type Extras = Record<string, unknown>;

/** A map of declared fields. */
export function object<T extends TProperties>(description: string, fields: T, extras: Extras = {}) {
  return Type.Object(fields, { description, ...extras });
}

/** An optional map of declared fields. */
export function optionalObject<T extends TProperties>(description: string, fields: T, extras: Extras = {}) {
  return Type.Optional(object(description, fields, extras));
}

/** An optional 32-bit integer within [minimum, maximum]. */
export function int32(minimum: number, maximum: number, description?: string) {
  return Type.Optional(requiredInt32(minimum, maximum, description));
}

/** A 32-bit integer within [minimum, maximum] that must be set. */
export function requiredInt32(minimum: number, maximum: number, description?: string) {
  return Type.Integer({ description, format: 'int32', minimum, maximum });
}

/** An optional 64-bit integer within [minimum, maximum]. */
export function int64(minimum: number, maximum: number, description: string) {
  const upper = maximum === Number.MAX_SAFE_INTEGER ? {} : { maximum };
  return Type.Optional(Type.Integer({ description, format: 'int64', minimum, ...upper }));
}

/** An optional text of at most `maxLength` characters. */
export function text(maxLength: number, description?: string, extras: Extras = {}) {
  return Type.Optional(requiredText(maxLength, description, extras));
}

/** A text of at most `maxLength` characters that must be set. */
export function requiredText(maxLength: number, description?: string, extras: Extras = {}) {
  return Type.String({ description, ...extras, maxLength });
}

/** An optional text that is one of `values`. */
export function choice<const T extends readonly string[]>(values: T, description: string) {
  return Type.Optional(requiredChoice(values, description));
}

/** A text that is one of `values`. */
export function requiredChoice<const T extends readonly string[]>(values: T, description: string) {
  return Type.Unsafe<T[number]>({ description, type: 'string', enum: [...values] });
}

/** An optional true or false. */
export function flag(description: string, ...list: CelRule[]) {
  return Type.Optional(Type.Boolean({ description, ...(list.length > 0 ? rules(...list) : {}) }));
}

/** An optional list of at most `maxItems`, replaced as a whole by server-side apply unless `extras` say otherwise. */
export function list<T extends TSchema>(
  items: T,
  maxItems: number,
  description?: string,
  extras: Extras = {},
) {
  return Type.Optional(
    Type.Array(items, { description, 'x-kubernetes-list-type': 'atomic', ...extras, maxItems }),
  );
}

/** The extension for a list whose entries are distinguished by `keys`: the API server rejects duplicates. */
export function keyed(...keys: string[]) {
  return { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': keys };
}

/** An optional map of texts. */
export function textMap(maxProperties: number, description?: string, extras: Extras = {}) {
  return Type.Optional(Type.Record(Type.String(), Type.String(), { description, ...extras, maxProperties }));
}

/** An integer or a text, such as the port of a probe. */
export function intOrString(extras: Extras = {}): TUnsafe<number | string> {
  return Type.Unsafe<number | string>({
    ...extras,
    anyOf: [{ type: 'integer' }, { type: 'string' }],
    'x-kubernetes-int-or-string': true,
  });
}

/** How the API server itself recognises a quantity (Kubernetes API, Quantity). */
export const QUANTITY_PATTERN =
  '^[+-]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)(([KMGTPE]i)|[numkMGTPE]|[eE][+-]?[0-9]+)?$';

/** The texts of {@link int64OrText}. */
export const INT64_PATTERN = '^[0-9]+$';

/**
 * A 64-bit integer within [minimum, maximum], as a number or as a text of digits: Cloud Run's API writes its 64-bit
 * integers as texts, and so do exports of gcloud (Protocol Buffers, JSON mapping).
 */
export function int64OrText(minimum: number, maximum: number, description?: string) {
  return Type.Optional(
    intOrString({
      description,
      minimum,
      maximum,
      maxLength: String(maximum).length,
      pattern: INT64_PATTERN,
      ...rules({
        rule: `int(self) >= ${minimum} && int(self) <= ${maximum}`,
        message: `must be a whole number from ${minimum} to ${maximum}`,
      }),
    }),
  );
}

/** A resource quantity such as `500m` or `1Gi`; a bare number is taken too, as YAML authors write one. */
export function quantity(description?: string): TUnsafe<number | string> {
  return intOrString({ description, maxLength: 32, pattern: QUANTITY_PATTERN });
}

/** A DNS label that starts with a letter: what becomes part of host names (RFC 1035). */
export const DNS_LABEL = '^[a-z]([-a-z0-9]*[a-z0-9])?$';

/** The same, or nothing: clients write an empty text for what is unset. */
export const OPTIONAL_DNS_LABEL = '^([a-z]([-a-z0-9]*[a-z0-9])?)?$';
