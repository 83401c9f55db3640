import type { DescField, DescMessage } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { mainContainer } from '../conversion/cloudSql.ts';
import type { Fields } from '../conversion/value.ts';
import { behaves } from '../registry.ts';

// Messages in JSON form, made from their descriptors, so that a field that a new release adds is tried too.

const WORD = fc.stringMatching(/^[a-z][a-z0-9]{0,6}$/);
const SECRET = fc.oneof(
  WORD,
  fc.tuple(WORD, WORD).map(([project, name]) => `projects/${project}/secrets/${name}`),
);
const COUNT = fc.integer({ min: 1, max: 1000 });
const duration = (unit: number) => COUNT.map((count) => `${count * unit}s`);

/** What a field must be for the message to mean something, where its type does not say it. */
const SPECIAL: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  encryption_key_shutdown_duration: duration(3600),
  secret: SECRET,
  use_default: fc.constant(true),
  launch_stage: fc.constantFrom('ALPHA', 'BETA', 'GA'),
  cpu_idle: fc.constant(undefined),
  startup_cpu_boost: fc.constant(undefined),
};

/** Fields that read as their default when they are unset, or without which their message is nothing. */
const ALWAYS = new Set([
  ...['launch_stage', 'ingress', 'template', 'containers'],
  ...['secret_key_ref', 'secret', 'version', 'bucket', 'object'],
]);

const KEYED = new Set(['Container', 'Volume']);

const shortName = ({ typeName }: DescMessage) => typeName.replace(/^.*\./, '');

/** A message with fields that clients may set. */
export function messages(message: DescMessage): fc.Arbitrary<Fields> {
  const isResource = message.fields.some(({ name }) => name === 'uid');
  const fields = message.fields.filter(
    (each) => !behaves(each, 'outputOnly') && each.name !== 'etag' && !(isResource && each.name === 'name'),
  );
  const parts = fields.filter(({ oneof }) => (oneof?.fields.length ?? 1) === 1).map(part);
  const choices = message.oneofs
    .filter((oneof) => oneof.fields.length > 1)
    .map((oneof) => fc.oneof(...oneof.fields.map((each) => always(each))));
  return fc
    .tuple(...parts, ...choices)
    .map((all) => consistent(message, Object.assign({}, ...all) as Fields));
}

const always = (each: DescField) => anyValueOf(each).map((value) => named(each, value));

function part(each: DescField): fc.Arbitrary<Fields> {
  const value = always(each);
  const needed = ALWAYS.has(each.name) || (each.name === 'name' && each.parent.fields.length > 1);
  return needed ? value : fc.oneof(fc.constant({}), value);
}

/** Unset fields and messages of nothing are left out; a message in a oneof is there also when it is empty. */
function named(each: DescField, value: unknown): Fields {
  const isEmpty = typeof value === 'object' && value !== null && Object.keys(value).length === 0;
  return value === undefined || (isEmpty && !keepsEmpty(each)) ? {} : { [each.jsonName]: value };
}

const keepsEmpty = (each: DescField) =>
  each.oneof !== undefined ||
  ['resources', 'startup_probe', 'liveness_probe', 'readiness_probe'].includes(each.name);

function anyValueOf(each: DescField): fc.Arbitrary<unknown> {
  const special = SPECIAL[each.name];
  // The volume of a secret has the name of the text that is a secret.
  if (special && !(each.name === 'secret' && each.fieldKind === 'message')) return special;
  if (each.fieldKind === 'map')
    return fc.dictionary(WORD, WORD, { minKeys: 1, maxKeys: 3, noNullPrototype: true });
  if (each.fieldKind === 'list') return lists(each);
  if (each.fieldKind === 'message') return single(each.message);
  if (each.fieldKind === 'enum') return fc.constantFrom(...each.enum.values.slice(1).map(({ name }) => name));
  return scalar(each);
}

function lists(each: DescField & { fieldKind: 'list' }): fc.Arbitrary<unknown> {
  if (each.listKind !== 'message') return fc.uniqueArray(WORD, { minLength: 1, maxLength: 3 });
  const items = messages(each.message);
  const lengths = { minLength: 1, maxLength: 2 };
  return KEYED.has(shortName(each.message))
    ? fc.uniqueArray(items, { ...lengths, selector: ({ name }) => name })
    : fc.array(items, lengths);
}

function single(message: DescMessage): fc.Arbitrary<unknown> {
  return message.typeName === 'google.protobuf.Duration' ? duration(1) : messages(message);
}

/** The numbers that protobuf has for its types. */
const SCALARS = { int64: 3, bool: 8, text: 9 } as const;

function scalar(each: DescField & { fieldKind: 'scalar' }): fc.Arbitrary<unknown> {
  if (each.scalar === SCALARS.bool) return each.oneof ? fc.boolean() : fc.constant(true);
  if (each.scalar === SCALARS.text) return WORD;
  return each.scalar === SCALARS.int64 ? COUNT.map(String) : COUNT;
}

const TARGETS: Readonly<Record<string, string>> = {
  TrafficTarget: 'TRAFFIC_TARGET_ALLOCATION_TYPE',
  InstanceSplit: 'INSTANCE_SPLIT_ALLOCATION_TYPE',
};

/** What no type says: which fields of a message go together. */
function consistent(descriptor: DescMessage, message: Fields): Fields {
  const prefix = TARGETS[shortName(descriptor)];
  if (prefix) return { ...message, type: `${prefix}_${message.revision ? 'REVISION' : 'LATEST'}` };
  if (!message.containers) return message;
  const answers = descriptor.fields.some(({ name }) => name === 'max_instance_request_concurrency');
  return withConnection(answers ? withCpu(message) : message);
}

/** One answer for all containers: v1 has one annotation for them. */
function withCpu({ containers, ...message }: Fields): Fields {
  const list = containers as Fields[];
  const flags = {
    ...(message.sessionAffinity ? { cpuIdle: true } : {}),
    ...(message.timeout ? { startupCpuBoost: true } : {}),
  };
  const [first, ...others] = list.map((each) =>
    each.resources ? { ...each, resources: { ...each.resources, ...flags } } : each,
  );
  // Without resources the main container says nothing, and v1's default holds.
  const resources = { ...(first?.resources as Fields | undefined), ...flags };
  return {
    ...message,
    containers: [{ ...first, resources, ports: [{ containerPort: 8080 }] }, ...others.map(withoutPorts)],
  };
}

const withoutPorts = ({ ports: _, ...container }: Fields) => container;

/** Cloud SQL as its documents show it: one volume, last, which the main container mounts last. */
function withConnection({ volumes, ...message }: Fields): Fields {
  const all = (volumes ?? []) as Fields[];
  const [connection] = all.filter(({ cloudSqlInstance }) => hasItems(cloudSqlInstance));
  const others = all.filter(({ cloudSqlInstance, name }) => !cloudSqlInstance && name !== 'cloudsql');
  const kept = connection ? [...others, { ...connection, name: 'cloudsql' }] : others;
  if (connection) {
    const main = mainContainer(message.containers as Fields[]);
    const mounts = (main?.volumeMounts ?? []) as Fields[];
    if (main) main.volumeMounts = [...mounts, { name: 'cloudsql', mountPath: '/cloudsql' }];
  }
  return kept.length > 0 ? { ...message, volumes: kept } : message;
}

const hasItems = (instance: unknown) =>
  ((instance as Fields | undefined)?.instances as unknown[] | undefined)?.length;
