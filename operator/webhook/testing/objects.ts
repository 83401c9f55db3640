import fc from 'fast-check';
import type { TSchema } from 'typebox';
import { ANNOTATIONS } from '../../apis/annotations/table.ts';
import type { KindDefinition } from '../../apis/kind.ts';
import { RUN } from '../../apis/labels.ts';

// Random objects around a kind's schema: most of their parts are as declared, some are just beside a limit, and
// now and then a part is of another type altogether.

interface Schema {
  type?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  patternProperties?: Record<string, Schema>;
  items?: Schema;
  minItems?: number;
  enum?: string[];
  minimum?: number;
  maximum?: number;
  'x-kubernetes-int-or-string'?: boolean;
}

type Arbitrary = fc.Arbitrary<unknown>;

/** Texts by the field that they stand in; elsewhere any short text will do. */
const TEXTS: Record<string, string[]> = {
  image: ['app', 'gcr.io/p/app:1', `r.example/a@sha256:${'0'.repeat(64)}`, 'Not:Valid!', ''],
  name: ['a', 'b', 'hello', 'hello-1', 'data', 'PORT', 'K_SERVICE', '', 'x'.repeat(70), '-'],
  mountPath: ['/a', '/a/', '/b', '/', 'c', '/d:e'],
  serviceAccountName: ['default', 'me@p.iam.gserviceaccount.com', 'No Body', ''],
  revisionName: ['hello-one', 'hello-two', '', 'Upper'],
  configurationName: ['hello', 'other', ''],
  tag: ['blue', 'green', '', '-', 'x'.repeat(63)],
  path: ['/', '/up', 'a/b', '../c'],
  scheme: ['HTTP', 'HTTPS', 'ftp'],
  medium: ['Memory', '', 'Disk'],
};

const QUANTITIES = ['1', '500m', '2Gi', '512Mi', '0', '-1', '1e3', '99999999999Ti', 'much', '', '1.5', '80m'];
const VALUES = [
  'true',
  'False',
  '1',
  '0',
  '100',
  '-1',
  'manual',
  'internal',
  '{"a":["b"]}',
  '{"a":["a"]}',
  '[]',
  'x',
  '*/5 * * * *',
  'Europe/Berlin',
  '{"taskCount":2,"containerOverrides":[{"args":["a"]}]}',
  '{"containerOverrides":[{"name":"a","env":[{"name":"A","value":"b"}]}],"timeoutSeconds":"60"}',
];
const KEYS = [
  ...ANNOTATIONS.keys(),
  'run.googleapis.com/unheard-of',
  'autoscaling.knative.dev/class',
  'a/b',
  'toString',
];

const nonsense: Arbitrary = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    '',
    'x',
    0,
    -1,
    1.5,
    1e21,
    true,
    [],
    {},
    [null],
    [[]],
    { a: null },
    '$(A)',
    '\u0000',
  ),
  fc.jsonValue({ maxDepth: 2 }),
);

const shortText: Arbitrary = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('a', 'b', 'latest', 'http1', 'constructor', '') },
  { weight: 1, arbitrary: fc.string({ maxLength: 8 }) },
);

const annotations = fc.dictionary(fc.constantFrom(...KEYS), fc.constantFrom(...VALUES), { maxKeys: 3 });

/** @param noise how many of a thousand parts are nonsense. */
function arbitraryOf(schema: Schema, name: string, noise: number): Arbitrary {
  const sound = soundArbitrary(schema, name, noise);
  if (noise === 0) return sound;
  return fc.oneof({ weight: 1000 - noise, arbitrary: sound }, { weight: noise, arbitrary: nonsense });
}

function soundArbitrary(schema: Schema, name: string, noise: number): Arbitrary {
  if (name === 'annotations') return annotations;
  if (schema['x-kubernetes-int-or-string']) {
    return fc.oneof(fc.constantFrom(...QUANTITIES), fc.integer({ min: -1, max: 70_000 }));
  }
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.type === 'array') {
    const items = arbitraryOf(schema.items ?? {}, name, noise);
    return fc.array(items, { minLength: schema.minItems ?? 0, maxLength: 2 });
  }
  if (schema.type === 'integer') return number(schema);
  if (schema.type === 'boolean') return fc.boolean();
  if (schema.type === 'string') return TEXTS[name] ? fc.constantFrom(...TEXTS[name]) : shortText;
  return map(schema, noise);
}

function number({ minimum = 0, maximum = 2 ** 31 }: Schema): Arbitrary {
  return fc.constantFrom(minimum, minimum + 1, maximum, Math.min(maximum, 100), maximum + 1, minimum - 1);
}

function map(schema: Schema, noise: number): Arbitrary {
  const [values] = Object.values(schema.patternProperties ?? {});
  if (values) {
    const key = fc.constantFrom(
      'cpu',
      'memory',
      'nvidia.com/gpu',
      'run.googleapis.com/accelerator',
      'toString',
    );
    return fc.dictionary(key, arbitraryOf(values, 'value', noise), { maxKeys: 2 });
  }
  const properties = Object.entries(schema.properties ?? {});
  const required = new Set(schema.required);
  const rare = properties.length > 5 ? 6 : 2;
  return fc.record(
    Object.fromEntries(
      properties.map(([name, property]) => {
        const arbitrary = arbitraryOf(property, name, noise);
        if (required.has(name)) return [name, arbitrary];
        return [
          name,
          fc.oneof({ weight: rare, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary }),
        ];
      }),
    ),
  );
}

/** An execution names its job by a label, mostly. */
function labelsOf(kind: string): Arbitrary {
  const some = fc.dictionary(fc.constantFrom('a', 'client.knative.dev/nonce'), fc.constantFrom('x', 'y'), {
    maxKeys: 1,
  });
  return kind === 'Execution' ? fc.oneof(some, ...Array(9).fill(fc.constant({ [RUN.job]: 'hello' }))) : some;
}

/** What the API server would hand to admission: plain JSON, without what is undefined. */
export function arbitraryObject(definition: KindDefinition): fc.Arbitrary<unknown> {
  const { group, version, kind, spec, namePattern = '^hello$' } = definition;
  const metadata = fc.record({
    name: fc.oneof(
      { weight: 3, arbitrary: fc.stringMatching(new RegExp(namePattern)) },
      { weight: 4, arbitrary: fc.constantFrom('h'.repeat(49), 'h'.repeat(50), 'Hello', undefined) },
    ),
    namespace: fc.constant('demo'),
    uid: fc.constant('uid'),
    generateName: fc.constantFrom(undefined, undefined, 'hello-'),
    labels: labelsOf(kind),
    annotations: fc.oneof(fc.constant(undefined), annotations),
  });
  const of = (noise: number) =>
    fc.record({
      apiVersion: fc.constant(`${group}/${version}`),
      kind: fc.constant(kind),
      metadata:
        noise > 20
          ? fc.oneof({ weight: 20, arbitrary: metadata }, { weight: 1, arbitrary: nonsense })
          : metadata,
      spec: arbitraryOf(spec as TSchema as Schema, 'spec', noise),
    });
  return fc.oneof(of(0), of(2), of(50)).map((object) => JSON.parse(JSON.stringify(object)));
}
