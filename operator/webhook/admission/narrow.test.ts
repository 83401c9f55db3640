import assert from 'node:assert/strict';
import fc from 'fast-check';
import { MOST_CROWDED_KEYS, MOST_DIFFERENT_KEYS, MOST_KEYS, MOST_VALUES } from './excess.ts';
import { narrowed } from './narrow.ts';

const KEYS = 2;
const VALUES = 5;
const DIFFERENT_KEYS = 4;

/** What must be left of a parsed value: the first keys of each map, one too many of them. */
function firstKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(firstKeys);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).slice(0, KEYS + 1);
  return Object.fromEntries(entries.map(([key, inner]) => [key, firstKeys(inner)]));
}

function valuesIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1;
  return Object.values(value).reduce((sum, inner) => sum + valuesIn(inner), 1);
}

function keysIn(value: unknown): Set<string> {
  if (typeof value !== 'object' || value === null) return new Set();
  const own = Array.isArray(value) ? [] : Object.keys(value);
  return new Set([...own, ...Object.values(value).flatMap((inner) => [...keysIn(inner)])]);
}

const read = (
  text: string,
  { keys = KEYS, differentKeys = MOST_DIFFERENT_KEYS, values = MOST_VALUES } = {},
) => narrowed(Buffer.from(text), { keys, differentKeys, values, crowdedKeys: MOST_CROWDED_KEYS }).toString();

describe('narrowed', () => {
  const indents = fc.constantFrom(0, 1, 2);
  const objects = fc
    .jsonValue({ maxDepth: 5 })
    .filter((value) => typeof value === 'object' && value !== null);

  it('leaves the first keys of each map, and the rest of the text as it is', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), indents, (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        assert.deepEqual(JSON.parse(read(text)), firstKeys(JSON.parse(text)));
      }),
      { numRuns: 500 },
    );
  });

  it('leaves one value too many of each object that has too many, and others as they are', () => {
    fc.assert(
      fc.property(objects, objects, indents, (object, oldObject, indent) => {
        const review = { request: { uid: 'u', object, oldObject, dryRun: false } };
        const text = JSON.stringify(review, null, indent);
        const { request } = JSON.parse(read(text, { keys: 1_000, values: VALUES }));
        assert.deepEqual({ ...request, object, oldObject }, review.request);
        for (const key of ['object', 'oldObject'] as const) {
          const written = JSON.parse(text).request[key];
          if (valuesIn(written) <= VALUES) assert.deepEqual(request[key], written);
          else assert.equal(valuesIn(request[key]), VALUES + 1, JSON.stringify(request[key]));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('leaves at least one different key too many of each object that has too many', () => {
    fc.assert(
      fc.property(objects, indents, (object, indent) => {
        const text = JSON.stringify({ request: { object } }, null, indent);
        const left = JSON.parse(read(text, { keys: 1_000, differentKeys: DIFFERENT_KEYS })).request.object;
        if (keysIn(left).size <= DIFFERENT_KEYS) assert.deepEqual(left, JSON.parse(text).request.object);
        else assert.equal(keysIn(left).size, DIFFERENT_KEYS + 1, JSON.stringify(left));
      }),
      { numRuns: 300 },
    );
  });

  it('leaves one crowded key too many of an object that has too many', () => {
    const map = Object.fromEntries(Array.from({ length: 9_010 }, (_, i) => [`k${i}`, i]));
    const text = JSON.stringify({ request: { object: { a: map, b: map, c: map } } });
    const { object } = JSON.parse(read(text, { keys: MOST_KEYS })).request;
    const sizes = Object.entries(object).map(([name, left]) => [name, Object.keys(left as object).length]);
    assert.deepEqual(sizes, [
      ['a', 9_010],
      ['b', 9_010],
      ['c', 1_000 + MOST_CROWDED_KEYS - 2 * 8_010 + 1],
    ]);
  });

  interface Case {
    text: string;
    left: string;
    limits?: { values?: number; differentKeys?: number };
    reason: string;
  }
  const CASES: Record<string, Case> = {
    'a map with as many keys as may be': {
      text: '{"a":{"b":1,"c":2}}',
      left: '{"a":{"b":1,"c":2}}',
      reason: 'nothing is too much',
    },
    'a map with one key too many': {
      text: '{"a":1,"b":2,"c":3}',
      left: '{"a":1,"b":2,"c":3}',
      reason: 'by it everybody sees that there are too many',
    },
    'what follows it': {
      text: '{"a":{"b":1,"c":2,"d":{"e":1},"f":{"g":[1,{"h":"}"}]}},"i":1}',
      left: '{"a":{"b":1,"c":2,"d":{"e":1}},"i":1}',
      reason: 'brackets in texts are none',
    },
    'a list': { text: '[1,2,3,4,5,6]', left: '[1,2,3,4,5,6]', reason: 'lists have limits of their own' },
    'an object with as many values as may be': {
      text: '{"request":{"object":{"a":[1,2,{}]}}}',
      left: '{"request":{"object":{"a":[1,2,{}]}}}',
      limits: { values: VALUES },
      reason: 'nothing is too much',
    },
    'an object with values that are too many': {
      text: '{"request":{"object":{"a":[1,2,{ },{},[4]],"b":{"c":"}"}},"uid":"u"}}',
      left: '{"request":{"object":{"a":[1,2,{ },{}]},"uid":"u"}}',
      limits: { values: VALUES },
      reason: 'what is open is closed, and the review goes on after it',
    },
    'an object that is too deep': {
      text: '{"request":{"object":{"a":[{"b":[[[[1]]]]}]}}}',
      left: '{"request":{"object":{"a":[{"b":[[[]]]}]}}}',
      limits: { values: VALUES },
      reason: 'each level is a value',
    },
    'an object with different keys that are too many': {
      text: '{"request":{"object":[{"a":1,"b":2},{"a":1,"c":{"d":3}},{"e":{"f":4}},{"g":5}]}}',
      left: '{"request":{"object":[{"a":1,"b":2},{"a":1,"c":{"d":3}},{"e":{}}]}}',
      limits: { differentKeys: DIFFERENT_KEYS },
      reason: 'a key counts once',
    },
    'quotes in a text': {
      text: '{"a\\"":"\\\\","b":"\\",","c":",","d":1}',
      left: '{"a\\"":"\\\\","b":"\\",","c":","}',
      reason: 'a backslash takes the next character with it',
    },
    'a text without an end': {
      text: '{"a":1,"b":2,"c',
      left: '{"a":1,"b":2,"c',
      reason: 'it is no JSON before and after',
    },
    'a map without an end': {
      text: '{"a":1,"b":2,"c":3,"d":4',
      left: '{"a":1,"b":2,"c":3',
      reason: 'it is no JSON before and after',
    },
    'too many ends': { text: '}}}},,,,]]"', left: '}}}},,,,]]"', reason: 'it is no JSON before and after' },
  };
  for (const [name, { text, left, limits, reason }] of Object.entries(CASES)) {
    it(`leaves of ${name} what it should: ${reason}`, () => assert.equal(read(text, limits), left));
  }

  const TOO_LARGE: Record<string, { value: unknown; message: string }> = {
    values: { value: [1, Array(11_000).fill({})], message: 'the review has too many values' },
    keys: {
      value: [1, Array.from({ length: 11_000 }, (_, i) => ({ [`k${i}`]: 1 }))],
      message: 'the review has too many keys',
    },
  };
  for (const [name, { value, message }] of Object.entries(TOO_LARGE)) {
    it(`rejects a review with more ${name} than two objects may have`, () => {
      const limits = { values: name === 'values' ? VALUES : MOST_VALUES, differentKeys: DIFFERENT_KEYS };
      assert.throws(() => read(JSON.stringify(value), limits), { code: 'REVIEW_INVALID', message });
    });
  }
});
