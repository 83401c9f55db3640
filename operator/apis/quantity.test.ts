import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  bytes,
  canonicalQuantity,
  compareQuantities,
  cores,
  formatQuantity,
  isQuantity,
  parseQuantity,
  QuantityError,
} from './quantity.ts';

const CANONICAL: Record<string, { text: string | number; canonical: string; reason: string }> = {
  'whole thousandths': { text: '1000m', canonical: '1', reason: 'the larger unit loses nothing' },
  'a decimal fraction': { text: '0.5', canonical: '500m', reason: 'no fractions are written' },
  'a binary size': { text: '512Mi', canonical: '512Mi', reason: 'it is canonical' },
  'a carry into the next binary unit': {
    text: '1024Mi',
    canonical: '1Gi',
    reason: 'the larger unit loses nothing',
  },
  'a binary fraction': { text: '1.5Gi', canonical: '1536Mi', reason: 'no fractions are written' },
  'a small binary size': { text: '0.5Ki', canonical: '512', reason: 'below 1024 it is written in decimal' },
  'a binary size below one byte': { text: '0.0001Ki', canonical: '102400u', reason: 'binary would lose it' },
  thousands: { text: '2000', canonical: '2k', reason: 'the larger unit loses nothing' },
  'an exponent': { text: '1e4', canonical: '10e3', reason: 'exponents go by three' },
  'an exponent of nothing': { text: '5e0', canonical: '5', reason: 'e0 is left out' },
  'a negative exponent': { text: '5e-3', canonical: '5e-3', reason: 'it is canonical' },
  'exa, not an exponent': { text: '2E', canonical: '2E', reason: 'E without digits is a unit' },
  'an exponent with a capital letter': {
    text: '2E3',
    canonical: '2e3',
    reason: 'E with digits is an exponent',
  },
  'a bare number': { text: 2, canonical: '2', reason: 'YAML authors leave quotes out' },
  'a bare fraction': { text: 0.25, canonical: '250m', reason: 'YAML authors leave quotes out' },
  'a point without digits before it': { text: '.5', canonical: '500m', reason: 'it is allowed' },
  'a point without digits after it': { text: '5.', canonical: '5', reason: 'it is allowed' },
  'a sign': { text: '-250m', canonical: '-250m', reason: 'it is allowed' },
  'nothing at all': { text: '0Mi', canonical: '0', reason: 'zero has no unit' },
  'finer than a billionth': { text: '0.0000000001', canonical: '1n', reason: 'it is rounded away from zero' },
};

const INVALID = [
  '',
  'abc',
  '1.2.3',
  '1 Gi',
  'Mi',
  '1mi',
  '1KI',
  '1K',
  '--1',
  '1e',
  '1e1.5',
  '.',
  '+',
  '0x10',
  'Infinity',
  '1Mi\n',
];

describe('quantity', () => {
  it('are rejected when they could not be written and read again', () => {
    assert.equal(isQuantity(1e79), false);
    assert.equal(isQuantity('1e79'), false);
    assert.equal(isQuantity('1e40'), true);
    assert.equal(canonicalQuantity(canonicalQuantity('1e40')), canonicalQuantity('1e40'));
  });

  for (const [name, { text, canonical, reason }] of Object.entries(CANONICAL)) {
    it(`writes ${name} as the API server does: ${reason}`, () => {
      assert.equal(canonicalQuantity(text), canonical);
      assert.equal(parseQuantity(canonical), parseQuantity(text));
    });
  }

  it('rejects what is no quantity and quotes it', () => {
    for (const text of INVALID) {
      assert.equal(isQuantity(text), false, JSON.stringify(text));
      assert.throws(
        () => parseQuantity(text),
        (error) =>
          error instanceof QuantityError &&
          error.code === 'QUANTITY_INVALID' &&
          error.message.includes(JSON.stringify(text)),
      );
    }
  });

  it('counts cores and bytes', () => {
    assert.equal(cores('1500m'), 1.5);
    assert.equal(cores(2), 2);
    assert.equal(bytes('512Mi'), 2 ** 29);
    assert.equal(bytes('1M'), 1e6);
    assert.equal(bytes('1500m'), 2, 'a part of a byte counts as one');
  });

  it('compares across units', () => {
    assert.equal(compareQuantities('1Gi', '1G') > 0, true);
    assert.equal(compareQuantities('1000m', '1'), 0);
    assert.equal(compareQuantities('999m', 1) < 0, true);
  });

  const nano = fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n });
  const format = fc.constantFrom('decimal', 'binary', 'exponent');

  it('reads back what it writes, exactly', () => {
    fc.assert(fc.property(nano, format, (value, how) => parseQuantity(formatQuantity(value, how)) === value));
  });

  it('has one canonical text for each value and format', () => {
    fc.assert(
      fc.property(nano, format, (value, how) => {
        const once = formatQuantity(value, how);
        assert.equal(canonicalQuantity(once), once);
      }),
    );
  });
});
