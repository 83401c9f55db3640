import assert from 'node:assert/strict';
import type { DescMessage } from '@bufbuild/protobuf';
import { fromJson, toJson } from '@bufbuild/protobuf';
import fc from 'fast-check';
import type { KubeObject } from '../../../kube/types.ts';
import { behaves, REGISTRY } from '../registry.ts';
import { messages } from '../testing/arbitrary.ts';
import { CONVERSIONS, type Conversion, toMessage, toResource } from './kinds.ts';
import type { Fields } from './value.ts';

const PLACE = 'projects/demo/locations/local';

const blank = ({ type }: Conversion): KubeObject => ({
  apiVersion: type?.apiVersion ?? '',
  kind: type?.kind ?? '',
  metadata: { name: 'x', namespace: 'demo' },
});

/** The fields that clients may set. */
function writable(message: DescMessage, shown: Fields): Fields {
  const readOnly = message.fields.filter((field) => behaves(field, 'outputOnly') || field.name === 'etag');
  const names = new Set(['name', ...readOnly.map(({ jsonName }) => jsonName)]);
  return Object.fromEntries(Object.entries(shown).filter(([name]) => !names.has(name)));
}

const WRITTEN = ['Service', 'Job', 'WorkerPool'] as const;

/** What only the stored kinds can say, beside what a message said. */
function decorated(object: KubeObject): KubeObject {
  const copy = structuredClone(object) as KubeObject & { spec?: Fields };
  copy.metadata.annotations = {
    ...copy.metadata.annotations,
    'homerun.dev/kept': 'a',
    'run.googleapis.com/urls': '["u"]',
  };
  copy.metadata.labels = { ...copy.metadata.labels, 'networking.knative.dev/visibility': 'cluster-local' };
  for (const container of containersOf(copy)) {
    container.imagePullPolicy = 'Always';
    container.env = [
      ...((container.env ?? []) as Fields[]),
      { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'a' } } },
    ];
    for (const mount of (container.volumeMounts ?? []) as Fields[]) mount.readOnly = true;
  }
  return copy;
}

function containersOf(object: unknown): Fields[] {
  if (typeof object !== 'object' || object === null) return [];
  return Object.entries(object).flatMap(([key, value]) =>
    key === 'containers' ? (value as Fields[]) : containersOf(value),
  );
}

describe('conversion between v2 and what is stored', () => {
  for (const name of WRITTEN) {
    const conversion: Conversion = CONVERSIONS[name];
    const { message } = conversion;
    const arbitrary = messages(message);

    it(`gives a ${name} back as it was written`, () => {
      fc.assert(
        fc.property(arbitrary, (given) => {
          const stored = toResource(conversion, given, blank(conversion), PLACE);
          assert.deepEqual(writable(message, toMessage(conversion, stored, PLACE)), given);
        }),
      );
    });

    it(`shows a ${name} in the JSON form that protobuf has for it`, () => {
      fc.assert(
        fc.property(arbitrary, (given) => {
          const stored = toResource(conversion, given, blank(conversion), PLACE);
          const shown = toMessage(conversion, stored, PLACE) as never;
          assert.deepEqual(toJson(message, fromJson(message, shown, { registry: REGISTRY })), shown);
        }),
      );
    });

    it(`changes nothing of a stored ${name} when it is written as it is shown`, () => {
      fc.assert(
        fc.property(arbitrary, (given) => {
          const stored = decorated(toResource(conversion, given, blank(conversion), PLACE));
          const shown = toMessage(conversion, stored, PLACE);
          assert.deepEqual(toResource(conversion, shown, stored, PLACE), stored);
        }),
      );
    });

    it(`keeps what only the stored ${name} can say when it becomes another one`, () => {
      fc.assert(
        fc.property(arbitrary, arbitrary, (before, after) => {
          const stored = decorated(toResource(conversion, before, blank(conversion), PLACE));
          const next = toResource(conversion, after, stored, PLACE);
          assert.deepEqual(writable(message, withoutFieldRefs(toMessage(conversion, next, PLACE))), after);
          assert.equal(next.metadata.annotations?.['homerun.dev/kept'], 'a');
          assert.equal(next.metadata.labels?.['networking.knative.dev/visibility'], 'cluster-local');
          const names = new Set(containersOf(stored).map((container) => container.name));
          for (const container of containersOf(next)) {
            if (names.has(container.name)) assert.equal(container.imagePullPolicy, 'Always');
          }
        }),
      );
    });
  }

  /** Fields that clients only read and that a cluster has nothing for. */
  const NOT_STORED: Readonly<Record<string, readonly string[]>> = {
    Service: ['expireTime', 'satisfiesPzs', 'threatDetectionEnabled'],
    Revision: ['expireTime', 'satisfiesPzs'],
    Job: ['expireTime', 'satisfiesPzs'],
    Execution: ['expireTime', 'satisfiesPzs'],
    Task: ['expireTime', 'satisfiesPzs'],
    WorkerPool: ['expireTime', 'satisfiesPzs', 'threatDetectionEnabled'],
  };

  for (const [name, { message, lenses }] of Object.entries(CONVERSIONS)) {
    it(`has a line for every field of a ${name}`, () => {
      const named = new Set([...lenses.flatMap(({ fields }) => fields), ...(NOT_STORED[name] ?? [])]);
      assert.deepEqual(
        message.fields.map(({ jsonName }) => jsonName).filter((field) => !named.has(field)),
        [],
      );
    });
  }
});

/** Without the variables that v2 can only name. */
function withoutFieldRefs(shown: Fields): Fields {
  for (const container of containersOf(shown)) {
    const env = ((container.env ?? []) as Fields[]).filter(({ name }) => name !== 'NODE');
    if (env.length > 0) container.env = env;
    else delete container.env;
  }
  return shown;
}
