import { type DescField, type DescMessage, fromJson, toJson } from '@bufbuild/protobuf';
import { cloned } from '../../kube/json.ts';
import { type FieldViolation, invalidFields } from '../errors.ts';
import type { Fields } from './conversion/value.ts';
import { behaves, REGISTRY } from './registry.ts';

// Messages in JSON form are read by their descriptors: protobuf's own reader says what is allowed, and these functions in
// which field it is not.

const OPTIONS = { registry: REGISTRY } as const;

const isMap = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * A request as a client wrote it, in the one JSON form that protobuf has for it: names in camel case, fields that have
 * their default left out.
 * @throws {ApiError} INVALID_ARGUMENT that names each field that the message does not have, or of another type.
 */
export function canonical(message: DescMessage, written: Fields): Fields {
  const json = withoutNulls(written) as Fields;
  try {
    return toJson(message, fromJson(message, json as never, OPTIONS), OPTIONS) as Fields;
  } catch (cause) {
    const violations = violationsOf(message, json, '');
    if (violations.length > 0) throw invalidFields(violations);
    throw invalidFields([{ field: '', description: (cause as Error).message }]);
  }
}

/**
 * A field that is null is unset (ProtoJSON, Null values). Protobuf's own reader counts it for one of a oneof, and Terraform's
 * provider writes null for each kind of probe that is not used.
 */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isMap(value)) return value;
  const kept = { ...value };
  for (const [key, inner] of Object.entries(value)) {
    if (inner === null) delete kept[key];
    else kept[key] = withoutNulls(inner);
  }
  return kept;
}

function violationsOf(message: DescMessage, json: Fields, path: string): FieldViolation[] {
  return Object.entries(json).flatMap(([key, value]) => {
    const at = path ? `${path}.${key}` : key;
    const field = message.fields.find(({ name, jsonName }) => name === key || jsonName === key);
    if (!field) return [{ field: at, description: `there is no such field in ${message.name}` }];
    const inner = innerOf(field);
    if (inner && isMap(value) && field.fieldKind === 'message') return violationsOf(inner, value, at);
    if (inner && Array.isArray(value) && value.every(isMap)) {
      return value.flatMap((item, i) => violationsOf(inner, item, `${at}[${i}]`));
    }
    try {
      fromJson(message, { [key]: value } as never, OPTIONS);
      return [];
    } catch (error) {
      return [{ field: at, description: reasonOf(error as Error) }];
    }
  });
}

/** Types that have a JSON form of their own, such as a text for a duration. */
const OWN_FORM = /^google\.protobuf\./;

function innerOf(field: DescField): DescMessage | undefined {
  return field.message && !OWN_FORM.test(field.message.typeName) ? field.message : undefined;
}

/** What protobuf's reader says, without the name of the field: `expected number (int32): "x"`. */
function reasonOf({ message }: Error): string {
  return message.replace(/^cannot decode (field|message) \S+ from JSON: /, '');
}

/** Fields that must be set and are not, in the message and those inside it (google.api.field_behavior). */
export function missingFields(message: DescMessage, fields: Fields, path = ''): FieldViolation[] {
  return message.fields.flatMap((field) => {
    const value = fields[field.jsonName];
    const at = path ? `${path}.${field.jsonName}` : field.jsonName;
    if (value === undefined) {
      return behaves(field, 'required') ? [{ field: at, description: 'must be set' }] : [];
    }
    const inner = innerOf(field);
    if (!inner || field.fieldKind === 'map' || behaves(field, 'outputOnly')) return [];
    if (Array.isArray(value))
      return value.flatMap((item, i) => missingFields(inner, item as Fields, `${at}[${i}]`));
    return missingFields(inner, value as Fields, at);
  });
}

/** The message without the fields that are output only, which clients send back as they got them (AIP-203). */
export function withoutOutput(message: DescMessage, fields: Fields): Fields {
  const kept = message.fields.filter(
    (field) => fields[field.jsonName] !== undefined && !behaves(field, 'outputOnly'),
  );
  return Object.fromEntries(
    kept.map((field) => {
      const value = fields[field.jsonName];
      const inner = field.fieldKind === 'message' ? innerOf(field) : undefined;
      return [field.jsonName, inner && isMap(value) ? withoutOutput(inner, value) : value];
    }),
  );
}

/**
 * The message that an update makes of the current one: the fields that the mask names are taken from the given one, or all
 * when it names none (AIP-134).
 * @param current gives the current one, a message of its own, which is not asked for without a mask.
 * @param mask as in JSON, `template.containers,labels`.
 * @throws {ApiError} INVALID_ARGUMENT for a path that the message does not have.
 */
export function masked(
  message: DescMessage,
  current: () => Fields,
  given: Fields,
  mask: string | undefined,
): Fields {
  const paths = (mask ?? '').split(',').filter((path) => path !== '');
  if (paths.length === 0 || paths.includes('*')) return given;
  const merged = cloned(current());
  for (const path of paths) take(message, merged, given, path.split('.'), path);
  return merged;
}

function take(message: DescMessage, into: Fields, from: Fields, keys: string[], path: string): void {
  const [key = '', ...rest] = keys;
  const field = message.fields.find(({ name, jsonName }) => name === key || jsonName === key);
  const inner = field && innerOf(field);
  if (!field || (rest.length > 0 && (!inner || field.fieldKind !== 'message'))) {
    const description = `names ${path}, which ${message.name} does not have`;
    throw invalidFields([{ field: 'updateMask', description }]);
  }
  const { jsonName } = field;
  if (rest.length === 0 || !inner) {
    if (from[jsonName] === undefined) delete into[jsonName];
    else into[jsonName] = from[jsonName];
    return;
  }
  into[jsonName] ??= {};
  take(inner, into[jsonName] as Fields, (from[jsonName] ?? {}) as Fields, rest, path);
}
