import assert from 'node:assert/strict';
import { Type } from 'typebox';
import { int32, int64OrText, list, text } from './schema.ts';
import { unquoted } from './unquote.ts';

const SCHEMA = Type.Object({
  count: int32(0, 5),
  word: text(9),
  long: int64OrText(0, 9),
  items: list(Type.Object({ port: int32(0, 9) }), 2),
  shares: Type.Optional(Type.Record(Type.String(), Type.Integer())),
});

const CASES: Record<string, { reason: string; value: unknown; want: unknown }> = {
  digits: { reason: 'the number that they are', value: { count: '3' }, want: { count: 3 } },
  'digits in a list': {
    reason: 'at any depth',
    value: { items: [{ port: '0' }, { port: 1 }] },
    want: { items: [{ port: 0 }, { port: 1 }] },
  },
  'digits in a map': {
    reason: 'whatever their keys are',
    value: { shares: { a: '1', toString: '2', b: 'x' } },
    want: { shares: { a: 1, toString: 2, b: 'x' } },
  },
  'digits beyond the range': {
    reason: 'their errors are reported as those of a number',
    value: { count: '-70000' },
    want: { count: -70000 },
  },
};

const KEPT: Record<string, unknown> = {
  'a text of digits where a text is declared': { word: '3' },
  'a text of digits where both are': { long: '3' },
  'no digits': { count: '3m' },
  'an empty text': { count: '' },
  'a fraction': { count: '1.5' },
  'more digits than a number holds': { count: '1234567890123456' },
  'a list with too many items': { items: [{ port: '1' }, { port: '2' }, { port: '3' }] },
  'undeclared fields': { other: { count: '3' }, toString: '3' },
  'another type': [1],
};

describe('unquoted', () => {
  for (const [name, { reason, value, want }] of Object.entries(CASES)) {
    it(`makes of ${name} ${reason}`, () => {
      const before = structuredClone(value);
      assert.deepEqual(unquoted(SCHEMA, value), want);
      assert.deepEqual(value, before, 'what is given stays as it is');
    });
  }
  for (const [name, value] of Object.entries(KEPT)) {
    it(`leaves ${name} as it is`, () => assert.equal(unquoted(SCHEMA, value), value));
  }
});
