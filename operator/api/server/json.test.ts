import { deepEqual, equal, throws } from 'node:assert/strict';
import fc from 'fast-check';
import { ApiError } from '../errors.ts';
import { parseJson } from './json.ts';

describe('JSON of requests', () => {
  it('is what it says', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        fc.pre(!JSON.stringify(value).includes('__proto__'));
        deepEqual(parseJson(Buffer.from(JSON.stringify(value, null, 1))), JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  const refused: Record<string, { reason: string; body: string | Buffer }> = {
    'a repeated key': { reason: 'readers take the first or the last', body: '{"a":1,"b":{"c":1},"a":2}' },
    'a key repeated by an escape': { reason: 'both spell the same key', body: '{"a":1,"\\u0061":2}' },
    'a repeated key within a list': {
      reason: 'maps are checked wherever they are',
      body: '[{"x":[{"a":1, "a" :1}]}]',
    },
    ['__proto__']: { reason: 'it is no plain key in JavaScript', body: '{"__proto__":{"a":1}}' },
    '__proto__ by an escape': { reason: 'it is the same key', body: '{"\\u005f_proto__":{"a":1}}' },
    NaN: { reason: 'JSON has none', body: '{"a":NaN}' },
    Infinity: { reason: 'JSON has none', body: '{"a":-Infinity}' },
    'a comment': { reason: 'JSON has none', body: '{"a":1/**/}' },
    'a byte order mark': { reason: 'RFC 8259, 8.1: parsers may take it for an error', body: '\ufeff{}' },
    'two values': { reason: 'only one is a text', body: '{}{}' },
    'bytes that are no UTF-8': { reason: 'RFC 8259, 8.1', body: Buffer.from([0x22, 0xff, 0x22]) },
    'deep nesting': { reason: 'nothing is so deep', body: `${'['.repeat(65)}${']'.repeat(65)}` },
    'very deep nesting': {
      reason: 'the stack must bear it',
      body: '['.repeat(1_000_000) + ']'.repeat(1_000_000),
    },
  };
  for (const [name, { reason, body }] of Object.entries(refused)) {
    it(`refuses ${name}: ${reason}`, () => {
      const isRefusal = (error: unknown) => error instanceof ApiError && error.code === 'INVALID_ARGUMENT';
      throws(() => parseJson(Buffer.from(body as string)), isRefusal);
    });
  }

  it('takes the same key in different maps, and text that looks like a key', () => {
    const text = '{"a":{"a":"a\\":"},"b":["a","a"],"c\\\\":":"}';
    deepEqual(parseJson(Buffer.from(text)), JSON.parse(text));
    equal(parseJson(Buffer.from(' 1 ')), 1);
  });
});
