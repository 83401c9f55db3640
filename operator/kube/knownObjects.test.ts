import { deepEqual, equal, notEqual, ok, throws } from 'node:assert/strict';
import fc from 'fast-check';
import { KnownObjects } from './knownObjects.ts';
import { completeList } from './list.ts';
import { type KubeObject, namespaced } from './types.ts';

const WIDGETS = namespaced('example.com/v1', 'Widget', 'widgets');
const { apiVersion, kind } = WIDGETS;

const textOf = (items: readonly object[], metadata: object = { resourceVersion: '1' }) =>
  Buffer.from(JSON.stringify({ apiVersion, items, kind: 'WidgetList', metadata }));
const widget = (name: string, more: object = {}) => ({ apiVersion, kind, metadata: { name }, ...more });
const itemsOf = (known: KnownObjects, text: Buffer) => known.readList(text, WIDGETS).items ?? [];

/** Anything, and often what looks like a part of a list. */
const value = fc.letrec<{ inner: unknown }>((tie) => ({
  inner: fc.oneof(
    { depthSize: 'small' },
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom(
      `},{"apiVersion":"${apiVersion}","kind":"${kind}","metadata":{`,
      '"items":[',
      ']',
      'é漢🦜',
    ),
    fc.array(tie('inner'), { maxLength: 3 }),
    fc.record({
      apiVersion: fc.constant(apiVersion),
      kind: fc.constant(kind),
      metadata: fc.dictionary(fc.string(), tie('inner'), { maxKeys: 2 }),
    }),
    fc.record({ items: fc.array(tie('inner'), { maxLength: 2 }) }),
  ),
})).inner;
const object = fc.tuple(fc.string(), value, fc.boolean()).map(([name, spec, isManaged]) => ({
  apiVersion,
  kind,
  metadata: { name, ...(isManaged && { managedFields: [{ manager: 'a' }] }) },
  spec,
}));

describe('KnownObjects', () => {
  it('reads the same as who knows nothing, whatever the objects are and however they change', () => {
    const known = new KnownObjects(2_000);
    fc.assert(
      fc.property(fc.array(fc.array(object, { maxLength: 4 }), { maxLength: 4 }), (lists) => {
        for (const items of [...lists, ...lists]) {
          const text = textOf(items, { resourceVersion: `${items.length}`, continue: '' });
          const { metadata, items: read } = known.readList(text, WIDGETS);
          const plain = completeList(JSON.parse(text.toString()), WIDGETS);
          deepEqual({ metadata, items: read }, { metadata: plain.metadata, items: plain.items });
          ok(known.size <= 2_000);
        }
      }),
    );
  });

  it('gives the same object for the same text, and another one when it has changed', () => {
    const known = new KnownObjects();
    const [a, b] = itemsOf(known, textOf([widget('a'), widget('b')], { resourceVersion: '1' }));
    const next = itemsOf(known, textOf([widget('a'), widget('b', { spec: 2 })], { resourceVersion: '2' }));
    equal(next[0], a);
    notEqual(next[1], b);
    deepEqual(next[1], widget('b', { spec: 2 }));
  });

  it('reads objects of the same kind inside an object, which look like items', () => {
    const items = [widget('a'), widget('b', { spec: [widget('c'), widget('d')] }), widget('e')];
    deepEqual(itemsOf(new KnownObjects(), textOf(items)), items);
  });

  it('forgets first what was used longest ago', () => {
    const size = JSON.stringify(widget('a')).length;
    const known = new KnownObjects(2 * size);
    const one = (name: string) => itemsOf(known, textOf([widget(name)]))[0] as KubeObject;
    const [a, b] = [one('a'), one('b')];
    equal(one('a'), a);
    one('c');
    equal(known.size, 2 * size);
    equal(one('a'), a);
    notEqual(one('b'), b);
  });

  it('does not keep an object that is larger than all that it may keep', () => {
    const known = new KnownObjects(100);
    deepEqual(itemsOf(known, textOf([widget('a', { spec: 'x'.repeat(200) })]))[0]?.metadata.name, 'a');
    equal(known.size, 0);
  });

  it('lets nobody change what others see', () => {
    const [a] = itemsOf(new KnownObjects(), textOf([widget('a', { spec: { list: [{}] } })]));
    const { spec } = a as unknown as { spec: { list: object[] } };
    throws(() => Object.assign(a as object, { kind: 'Gadget' }), TypeError);
    throws(() => Object.assign(spec.list[0] as object, { x: 1 }), TypeError);
    throws(() => spec.list.push({}), TypeError);
  });

  for (const text of ['<html>', '{"items":[', '', `{"items":[{"apiVersion":"${apiVersion}"`]) {
    it(`throws for ${JSON.stringify(text)}, which is no JSON`, () => {
      throws(() => itemsOf(new KnownObjects(), Buffer.from(text)), SyntaxError);
    });
  }
});
