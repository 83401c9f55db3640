import assert from 'node:assert/strict';
import fc from 'fast-check';
import { narrowed } from './narrow.ts';

const MOST = 2;

/** What must be left of a value that has been read: the first keys of each map, one too many of them. */
function firstKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(firstKeys);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).slice(0, MOST + 1);
  return Object.fromEntries(entries.map(([key, inner]) => [key, firstKeys(inner)]));
}

const read = (text: string, most = MOST) => narrowed(Buffer.from(text), most).toString();

describe('narrowed', () => {
  it('leaves the first keys of each map, and the rest of the text as it is', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(0, 1, 2), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        assert.deepEqual(JSON.parse(read(text)), firstKeys(JSON.parse(text)));
      }),
      { numRuns: 2_000 },
    );
  });

  const CASES: Record<string, { text: string; left: string; reason: string }> = {
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
    'quotes in a text': {
      text: '{"a\\"":"\\\\","b":"\\",","c":",","d":1}',
      left: '{"a\\"":"\\\\","b":"\\",","c":","}',
      reason: 'a backslash takes the next character with it',
    },
    'a text without an end': {
      text: '{"a":1,"b":2,"c":3,"d',
      left: '{"a":1,"b":2,"c":3,"d',
      reason: 'it is no JSON before and after',
    },
    'too many ends': { text: '}}}},,,,]]"', left: '}}}},,,,]]"', reason: 'it is no JSON before and after' },
  };
  for (const [name, { text, left, reason }] of Object.entries(CASES)) {
    it(`leaves of ${name} what it should: ${reason}`, () => assert.equal(read(text), left));
  }
});
