import type { TSchema } from 'typebox';
import type { FieldError } from '../apis/fieldError.ts';
import type { KindDefinition } from '../apis/kind.ts';
import { type Schema, schemaErrors } from '../apis/schemaValidation.ts';
import { BASE_IMAGE_RUNTIME, CLOUD_STORAGE_DRIVER } from '../apis/serving/instance/platform.ts';
import type { KubeObject } from '../kube/types.ts';
import { warningsOf } from '../webhook/admission/warnings.ts';

// What becomes of each field. It is not declared but found out: each field is put into the smallest object that can hold
// it, and that object is defaulted and validated as at admission.

type Json = Record<string, unknown>;

/** A schema in its place: `put` gives the smallest spec that has a value there. */
interface Place {
  schema: Schema;
  path: string;
  put: (value: unknown) => Json;
}

/** A line of a table. */
export interface Row {
  field: string;
  values: string;
  usual: string;
  result: string;
}

const NAME = 'hello';
const WORDS = ['a', 'app', '/a', 'Memory', 'HTTP', 'Always', '1', `${NAME}-a`];
const NUMBERS = [1, 100];
/** The page describes a cluster with all capabilities; warnings cover the others. */
const CAPABILITIES = { resizesPods: true };
const BUCKET = { driver: CLOUD_STORAGE_DRIVER, volumeAttributes: { bucketName: 'a' } };
/** What takes two fields at once, or one certain value, to be right. */
const SAMPLES: Readonly<Record<string, unknown>> = {
  'spec.traffic': [{ revisionName: `${NAME}-a`, percent: 100 }],
  'spec.template.spec.volumes[0].csi': BUCKET,
  'spec.template.spec.template.spec.volumes[0].csi': BUCKET,
  'spec.template.spec.runtimeClassName': BASE_IMAGE_RUNTIME,
};

/** Something that the schema takes: as little as possible. */
function sample(schema: Schema): unknown {
  return samples(schema, 0).next().value;
}

/** Values that the schema takes, the smallest first; `depth` is how far optional fields are tried. */
function* samples(schema: Schema, depth: number): Generator<unknown> {
  const { type, minimum = 0, maximum = Number.POSITIVE_INFINITY } = schema;
  if (schema['x-kubernetes-int-or-string']) yield schema.maximum === undefined ? '1' : 8080;
  else if (schema.enum) yield schema.enum.find((choice) => choice !== '');
  else if (type === 'boolean') yield* [true, false];
  else if (type === 'integer') yield* NUMBERS.map((number) => Math.max(minimum, Math.min(number, maximum)));
  else if (type === 'string')
    yield* WORDS.filter((word) => schemaErrors(schema as TSchema, word, '').length === 0);
  else if (type === 'array') {
    for (const item of samples(schema.items ?? {}, depth)) yield [item];
    yield [];
  } else yield* maps(schema, depth);
}

function* maps({ properties = {}, required = [] }: Schema, depth: number): Generator<Json> {
  const smallest = Object.fromEntries(required.map((name) => [name, sample(properties[name] ?? {})]));
  yield smallest;
  if (depth === 0) return;
  for (const [name, property] of Object.entries(properties)) {
    for (const value of samples(property, depth - 1)) yield { ...smallest, [name]: value };
  }
}

function objectOf(definition: KindDefinition, spec: unknown): KubeObject {
  const { apiVersion, kind } = definition.type;
  return {
    apiVersion,
    kind,
    metadata: { name: NAME, namespace: 'demo' },
    spec,
  } as KubeObject;
}

/** The errors at or below a path that the field's value adds. */
function newErrors(definition: KindDefinition, { path, put }: Place, value: unknown): FieldError[] {
  const known = new Set(
    definition.validate(objectOf(definition, put(undefined))).map(({ message }) => message),
  );
  const found = definition.validate(objectOf(definition, put(value)));
  return found.filter((error) => error.path.startsWith(path) && !known.has(error.message));
}

/** The result of the field with the best of the values that it may have. */
function resultOf(definition: KindDefinition, place: Place): string {
  const first = SAMPLES[place.path] ?? sample(place.schema);
  const [warning] = newWarnings(definition, place, first);
  if (warning) return `warned: ${warning}`;
  let best = newErrors(definition, place, first);
  // An empty list counts as unset, so it does not show whether the list is allowed.
  const forbidden =
    place.schema.type === 'array' &&
    best.some(({ path, strict, advice }) => path === place.path && (!strict || advice));
  for (const value of forbidden ? [] : samples(place.schema, 2)) {
    if (best.length === 0) return 'accepted';
    const errors = newErrors(definition, place, value);
    if (rank(errors) < rank(best)) best = errors;
  }
  const [error] = best;
  if (!error) return 'accepted';
  if (best.every(({ advice }) => advice)) return `warned: ${error.message}`;
  return rank(best) > 1 ? `rejected: ${error.message}` : `warned, rejected when strict: ${error.message}`;
}

/** What a cluster does otherwise, although there is nothing wrong with the field. */
function newWarnings(definition: KindDefinition, { path, put }: Place, value: unknown): string[] {
  const known = warningsOf(definition, objectOf(definition, put(undefined)), [], CAPABILITIES);
  const said = warningsOf(definition, objectOf(definition, put(value)), [], CAPABILITIES).filter(
    (line) => !known.includes(line),
  );
  return said.flatMap((line) => (line.startsWith(path) ? [line.slice(line.indexOf(': ') + 2)] : []));
}

function rank(errors: readonly FieldError[]): 0 | 1 | 2 {
  if (errors.length === 0) return 0;
  return errors.every(({ strict }) => strict) ? 1 : 2;
}

/** The value that a field gets when it is left out, and what it stands in is there. */
function usualOf(definition: KindDefinition, { path, put }: Place): unknown {
  const written = objectOf(definition, put(undefined));
  return valueAt(written, path) === undefined ? valueAt(definition.default(written), path) : undefined;
}

function valueAt(object: KubeObject, path: string): unknown {
  return path.split(/[.[\]]+/).reduce<unknown>((at, key) => (at as Json | undefined)?.[key], object);
}

function valuesOf(schema: Schema): string {
  const { type, minimum, maximum, maxLength, maxItems } = schema;
  if (schema['x-kubernetes-int-or-string']) {
    const range = `${minimum} to ${maximum}`;
    return maximum === undefined ? 'quantity' : schema.pattern ? range : `${range}, or a name`;
  }
  if (schema.enum) return schema.enum.filter((choice) => choice !== '').join(', ');
  if (type === 'integer' && maximum === MODE) return `0 to ${shown(schema, maximum)}`;
  if (type === 'integer') return maximum === undefined ? `from ${minimum}` : `${minimum} to ${maximum}`;
  if (type === 'boolean') return 'true, false';
  if (type === 'array') return `list, at most ${maxItems}`;
  if (type === 'string') return maxLength === undefined ? 'text' : `text, at most ${maxLength}`;
  return schema.patternProperties ? 'map' : '';
}

function rowsOf(definition: KindDefinition, place: Place): Row[] {
  const { schema, path } = place;
  const result = resultOf(definition, place);
  const usual = usualOf(definition, place);
  const row: Row = {
    field: shortened(path),
    values: valuesOf(schema),
    usual: usual === undefined || typeof usual === 'object' ? '' : shown(schema, usual),
    result,
  };
  // Whatever stands below a field that is warned of shares its fate.
  return result === 'accepted'
    ? [row, ...childrenOf(place).flatMap((child) => rowsOf(definition, child))]
    : [row];
}

function childrenOf({ schema, path, put }: Place): Place[] {
  if (schema.type === 'array' && schema.items) {
    const items = {
      schema: schema.items,
      path: `${path}[0]`,
      put: (item: unknown) => put([item ?? sample(schema.items ?? {})]),
    };
    return schema.items.properties ? childrenOf(items) : [];
  }
  const smallest = sample(schema) as Json;
  return Object.entries(schema.properties ?? {}).map(([name, property]) => ({
    schema: property,
    path: `${path}.${name}`,
    put: (value) => put({ ...smallest, ...(value === undefined ? {} : { [name]: value }) }),
  }));
}

/** Mode bits as everybody writes them. */
const MODE = 0o777;

function shown({ maximum }: Schema, value: unknown): string {
  return maximum === MODE ? `0${(value as number).toString(8)}` : String(value);
}

function shortened(path: string): string {
  return path.replaceAll('[0]', '[]');
}

/**
 * The rows of a kind without those of containers and volumes that say the same as `others` have them: one rule is listed
 * once, however deep the fields lie.
 */
export function rowsBeside(rows: readonly Row[], others: readonly Row[]): Row[] {
  const listed = new Set(others.flatMap(({ field, ...row }) => textsOf(field, row)));
  return rows.filter(({ field, ...row }) => textsOf(field, row).every((text) => !listed.has(text)));
}

function textsOf(field: string, row: Omit<Row, 'field'>): string[] {
  const [shared] = /(?<=\.)(containers|volumes)\[\].*/.exec(field) ?? [];
  return shared === undefined ? [] : [JSON.stringify([shared, row])];
}

/** Every field of a kind: its values, its default and what becomes of it. */
export function fieldRows(definition: KindDefinition): Row[] {
  const schema = definition.written as Schema;
  const root: Place = { schema, path: 'spec', put: (value) => (value ?? sample(schema)) as Json };
  return childrenOf(root).flatMap((place) => rowsOf(definition, place));
}
