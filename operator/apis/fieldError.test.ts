import assert from 'node:assert/strict';
import {
  errorMessage,
  errorsOfEach,
  type FieldError,
  formatted,
  MOST_FOUND,
  shortenedErrors,
} from './fieldError.ts';

const error = (extras: Partial<FieldError> = {}): FieldError => ({
  path: 'spec',
  message: 'is wrong',
  ...extras,
});

describe('shown', () => {
  const CASES: Record<string, [value: unknown, text: string]> = {
    'a text': ['a"b', '"a\\"b"'],
    'a long text': ['x'.repeat(1000), `"${'x'.repeat(100)}..."`],
    nothing: [undefined, 'unset'],
    null: [null, 'null'],
    'a number': [1.5, '1.5'],
    'a small list': [[1, 'a', null, {}], '[1,"a",null,{}]'],
    'a small map': [{ a: [true], b: { c: '' } }, '{"a":[true],"b":{"c":""}}'],
  };
  for (const [name, [value, text]] of Object.entries(CASES)) {
    it(`gives ${name} as JSON`, () => assert.equal(formatted(value), text));
  }

  it('gives no more than the beginning of what is large or deep', () => {
    const deep = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000));
    for (const value of [deep, Array(1_000_000).fill(1), { a: 'x'.repeat(1_000_000) }]) {
      assert.equal(formatted(value).length, 103);
    }
  });
});

describe('listedErrors', () => {
  it('lists all of a few', () => {
    assert.equal(errorMessage([error(), error({ path: 'metadata' })]), 'spec: is wrong; metadata: is wrong');
  });

  it('lists fifty of many, and the number of those left out', () => {
    const { listed, more } = shortenedErrors(Array(60).fill(error()));
    assert.deepEqual([listed.length, more], [50, 10]);
    assert.match(errorMessage(Array(60).fill(error())), /; and 10 more$/);
  });

  it('takes no more room however long paths and messages are', () => {
    const long = error({ path: 'é'.repeat(10_000), message: '☕'.repeat(10_000) });
    const text = errorMessage(Array(60).fill(long));
    assert.ok(Buffer.byteLength(text) < 15_000);
    assert.match(text, /; and \d+ more$/);
  });
});

describe('errorsOfEach', () => {
  it('ends where so many are grave that the rest does not matter', () => {
    let looked = 0;
    const errors = errorsOfEach(Array(10_000).fill(0), () => {
      looked++;
      return [error()];
    });
    assert.deepEqual([looked, errors.length], [MOST_FOUND, MOST_FOUND]);
  });

  it('lets no number of warnings hide what must be rejected', () => {
    const items = Array.from({ length: 5000 }, (_, i) => i);
    const errors = errorsOfEach(items, (i) => [
      error(i === 4999 ? { message: 'is grave' } : { strict: true }),
    ]);
    assert.equal(errors.length, MOST_FOUND + 1);
    assert.deepEqual(errors.at(-1), error({ message: 'is grave' }));
  });
});
