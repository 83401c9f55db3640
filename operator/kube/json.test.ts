import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  cloned,
  contentHash,
  deepEqual,
  frozen,
  isSubset,
  project,
  withoutEmptied,
  withoutEmpty,
} from './json.ts';

/** The same content with keys in another order. */
function shuffled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shuffled);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, shuffled(inner)]),
  );
}

const json = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<unknown>;

describe('contentHash and deepEqual', () => {
  it('do not see the order of keys', () => {
    fc.assert(
      fc.property(json, (value) => {
        assert.equal(contentHash(shuffled(value)), contentHash(value));
        assert.ok(deepEqual(shuffled(value), value));
      }),
    );
  });

  it('do not take what every object has by birth for its content', () => {
    assert.equal(deepEqual({}, { toString: 'x' }), false);
    assert.equal(deepEqual({ toString: 'x' }, {}), false);
    assert.ok(isSubset({ valueOf: '' }, {}), 'an empty text counts as absent');
    assert.deepEqual(project({ constructor: 1 }, {}), { constructor: undefined });
  });

  it('agree on what is different', () => {
    fc.assert(fc.property(json, json, (a, b) => (contentHash(a) === contentHash(b)) === deepEqual(a, b)));
  });

  it('take undefined for absent, on either side', () => {
    assert.ok(deepEqual({ a: 1, b: undefined }, { a: 1 }));
    assert.ok(deepEqual({ a: 1 }, { a: 1, b: undefined }));
    assert.equal(contentHash({ a: 1, b: undefined }), contentHash({ a: 1 }));
    assert.ok(!deepEqual({ a: null }, {}));
  });
});

describe('cloned', () => {
  const mapsIn = (value: unknown): object[] =>
    typeof value === 'object' && value !== null ? [value, ...Object.values(value).flatMap(mapsIn)] : [];

  it('gives the same content, and shares nothing that could change', () => {
    fc.assert(
      fc.property(json, (given) => {
        const value: unknown = JSON.parse(JSON.stringify(given));
        const copy = frozen(cloned(value));
        assert.deepEqual(copy, value);
        assert.ok(!mapsIn(value).some(Object.isFrozen));
      }),
    );
  });

  it('takes a key for a key, whatever it means to JavaScript', () => {
    const text = '{"__proto__":{"a":1}}';
    assert.equal(JSON.stringify(cloned(JSON.parse(text))), text);
  });
});

const subsets: Record<string, { reason: string; desired: unknown; live: unknown; is: boolean }> = {
  'a defaulted field': { reason: 'only our fields count', desired: { a: 1 }, live: { a: 1, b: 2 }, is: true },
  'a changed field': { reason: 'drift', desired: { a: 1 }, live: { a: 2 }, is: false },
  'a missing field': { reason: 'drift', desired: { a: 1 }, live: {}, is: false },
  'a number stored as text': { reason: 'another type is another value', desired: 80, live: '80', is: false },
  'an empty map': { reason: 'the server leaves it out', desired: { a: {}, b: [] }, live: {}, is: true },
  'an empty text': {
    reason: 'the server leaves it out',
    desired: [{ name: 'A', value: '' }],
    live: [{ name: 'A' }],
    is: true,
  },
  'a false that is gone': {
    reason: 'an optional boolean means something',
    desired: { a: false },
    live: {},
    is: false,
  },
  'a zero that is gone': {
    reason: 'replicas 0 are not the default 1',
    desired: { a: 0 },
    live: {},
    is: false,
  },
  'an injected list item': {
    reason: 'webhooks add containers and variables',
    desired: [{ name: 'a' }, { name: 'b' }],
    live: [{ name: 'x' }, { name: 'a', p: 1 }, { name: 'y' }, { name: 'b' }],
    is: true,
  },
  'a list item that is gone': {
    reason: 'drift',
    desired: [{ name: 'a' }, { name: 'b' }],
    live: [{ name: 'a' }],
    is: false,
  },
  'list items in another order': {
    reason: 'the order of containers and variables means something',
    desired: [{ name: 'a' }, { name: 'b' }],
    live: [{ name: 'b' }, { name: 'a' }],
    is: false,
  },
  'another argument': {
    reason: 'lists of plain values are one value',
    desired: ['a'],
    live: ['a', 'b'],
    is: false,
  },
  'a list that became a map': { reason: 'drift', desired: [{ a: 1 }], live: { a: 1 }, is: false },
  'null where something is': { reason: 'drift', desired: { a: null }, live: { a: 1 }, is: false },
};

describe('isSubset', () => {
  for (const [name, { reason, desired, live, is }] of Object.entries(subsets)) {
    it(`${is ? 'accepts' : 'refuses'} ${name}: ${reason}`, () => assert.equal(isSubset(desired, live), is));
  }

  it('holds for every value and itself', () => {
    fc.assert(fc.property(json, (value) => isSubset(value, structuredClone(value))));
  });
});

describe('withoutEmpty', () => {
  it('leaves out maps and lists without entries, and no texts or items', () => {
    const from = { a: [], b: { c: {}, d: { e: [] } }, f: '', g: null, h: [{ i: {}, j: 1 }, {}] };
    assert.deepEqual(withoutEmpty(from), { f: '', g: null, h: [{ j: 1 }, {}] });
  });
});

describe('withoutEmptied', () => {
  const CASES: Record<string, { reason: string; desired: object; live?: object; sent: object }> = {
    'an object that is not there': { reason: 'nothing is taken away', desired: { a: {} }, sent: { a: {} } },
    'an empty map that had entries': {
      reason: 'the server would make null of it',
      desired: { a: {}, b: 1 },
      live: { a: { x: '1' } },
      sent: { b: 1 },
    },
    'an empty list that had entries': { reason: 'as a map', desired: { a: [] }, live: { a: [1] }, sent: {} },
    'a map that holds nothing but such': {
      reason: 'it would be empty then',
      desired: { a: { b: {} } },
      live: { a: { b: { x: '1' } } },
      sent: {},
    },
    'what was empty before': {
      reason: 'it may say something',
      desired: { a: {}, b: { c: [] } },
      live: { a: {}, b: {} },
      sent: { a: {}, b: { c: [] } },
    },
    'items of a list': {
      reason: 'the list is one value, and an empty map in it may be a choice',
      desired: { volumes: [{ emptyDir: {} }] },
      live: { volumes: [{ emptyDir: { medium: 'Memory' } }] },
      sent: { volumes: [{ emptyDir: {} }] },
    },
  };
  for (const [name, { reason, desired, live, sent }] of Object.entries(CASES)) {
    it(`${name}: ${reason}`, () => assert.deepEqual(withoutEmptied(desired, live), sent));
  }
});

describe('project', () => {
  it('gives the live values of the wanted fields, and only those', () => {
    const desired = { cpu: '1000m', list: [{ a: 1 }], gone: 1 };
    const live = { cpu: '1', list: [{ a: 2, b: 3 }, { a: 4 }], other: 5 };
    assert.deepEqual(project(desired, live), { cpu: '1', list: [{ a: 2 }], gone: undefined });
  });
});

describe('frozen', () => {
  it('gives the same value, of which nothing can be changed', () => {
    const isStill = (value: unknown): boolean =>
      Object.isFrozen(value) && (typeof value !== 'object' || Object.values(value ?? {}).every(isStill));
    fc.assert(
      fc.property(json, (value) => {
        assert.deepEqual(frozen(structuredClone(value)), value);
        assert.ok(isStill(frozen(structuredClone(value))));
      }),
    );
  });
});
