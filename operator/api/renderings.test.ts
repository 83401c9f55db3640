import { deepEqual, equal, notEqual, ok } from 'node:assert/strict';
import fc from 'fast-check';
import { frozen } from '../kube/json.ts';
import type { KubeObject } from '../kube/types.ts';
import { jsonOf, rendered } from './renderings.ts';

const objectOf = (spec: unknown) =>
  ({ apiVersion: 'v1', kind: 'Widget', metadata: { name: 'a' }, spec }) as KubeObject;
const inView = (object: KubeObject, view: string) =>
  rendered(object, view, () => ({ view, ...object, nothing: undefined }));

describe('renderings', () => {
  it('are the same remembered or not, each view for itself', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.array(fc.constantFrom('a', 'b', 'c')), (spec, views) => {
        const [changing, still] = [objectOf(spec), frozen(structuredClone(objectOf(spec)))];
        for (const view of views) deepEqual(inView(still, view), inView(changing, view));
      }),
    );
  });

  it('are remembered of objects that cannot change alone', () => {
    const [changing, still] = [objectOf(1), frozen(objectOf(1))];
    equal(inView(still, 'a'), inView(still, 'a'));
    notEqual(inView(changing, 'a'), inView(changing, 'a'));
    ok(!Object.isFrozen(inView(changing, 'a')));
  });
});

describe('the JSON of an answer', () => {
  it('is that of JSON.stringify, whatever was rendered before', () => {
    const item = fc.tuple(fc.jsonValue(), fc.boolean()).map(([spec, isStill]) => {
      const object = objectOf(spec);
      return inView(isStill ? frozen(object) : object, 'a');
    });
    const answer = fc.oneof(
      fc.jsonValue(),
      fc.dictionary(fc.string(), fc.oneof(fc.jsonValue(), fc.constant(undefined), fc.array(item)), {
        maxKeys: 4,
      }),
    );
    fc.assert(fc.property(answer, (value) => equal(jsonOf(value), JSON.stringify(value))));
  });
});
