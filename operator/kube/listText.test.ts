import { deepEqual, equal } from 'node:assert/strict';
import { splitList } from './listText.ts';
import { namespaced } from './types.ts';

const WIDGETS = namespaced('example.com/v1', 'Widget', 'widgets');
const a = { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'a' } };
const b = { ...a, metadata: { name: 'b' }, spec: { text: '},{"apiVersion":"example.com/v1","items":[]' } };
const head = { apiVersion: 'example.com/v1' };
const tail = { kind: 'WidgetList', metadata: { continue: 'next', resourceVersion: '7' } };

interface Case {
  reason: string;
  list: object | string;
  /** What the texts of the items say; undefined where they are not found. */
  items?: object[];
}

describe('splitList', () => {
  const cases: Record<string, Case> = {
    'a list': {
      reason: 'as the API server writes it',
      list: { ...head, items: [a, b], ...tail },
      items: [a, b],
    },
    'items at the end': {
      reason: 'the order is no contract',
      list: { ...tail, items: [a, b] },
      items: [a, b],
    },
    'one item': { reason: 'nothing is between items', list: { ...head, items: [a], ...tail }, items: [a] },
    'no items': { reason: 'a list may be empty', list: { ...head, items: [], ...tail }, items: [] },
    'a line break at the end': {
      reason: 'Go ends JSON with one',
      list: `${JSON.stringify({ ...head, items: [a], ...tail })}\n`,
      items: [a],
    },
    'owners of the same kind': {
      reason: 'they begin in the same way',
      list: {
        items: [{ ...a, metadata: { ownerReferences: [head, { ...head, kind: 'Widget', name: 'x' }] } }, b],
      },
      items: [{ ...a, metadata: { ownerReferences: [head, { ...head, kind: 'Widget', name: 'x' }] } }, b],
    },
    'items of a built-in kind': {
      reason: 'they have no kind',
      list: { ...head, items: [{ metadata: {} }], ...tail },
    },
    'items of another kind': {
      reason: 'it is not the list that was asked for',
      list: { ...head, items: [{ ...a, kind: 'Gadget' }], ...tail },
    },
    'items further inside': { reason: 'they are none of the list', list: { metadata: { items: [a] } } },
    'no list': { reason: 'it is a status', list: { kind: 'Status', message: '[]' } },
    'no JSON': { reason: 'a proxy may answer anything', list: '"items":[] <html>' },
    'an end that is missing': { reason: 'an answer may be cut off', list: '{"items":[' },
    'an end before the beginning': { reason: 'so may it', list: ']{"items":[' },
    nothing: { reason: 'an answer may be empty', list: '' },
  };
  for (const [name, { reason, list, items }] of Object.entries(cases)) {
    it(`${items ? 'finds the items of' : 'finds none in'} ${name}: ${reason}`, () => {
      const text = typeof list === 'string' ? list : JSON.stringify(list);
      const found = splitList(Buffer.from(text), WIDGETS);
      deepEqual(
        found?.items.map((item) => JSON.parse(item.toString())),
        items,
      );
    });
  }

  it('gives what the list says beside its items', () => {
    const list = Buffer.from(JSON.stringify({ ...head, items: [a, b], ...tail }));
    deepEqual(splitList(list, WIDGETS)?.envelope, { ...head, items: [], ...tail });
    equal(splitList(Buffer.from('{"items":[]}'), WIDGETS)?.envelope.metadata.continue, undefined);
  });
});
