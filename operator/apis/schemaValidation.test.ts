import assert from 'node:assert/strict';
import { Type } from 'typebox';
import { flag, int32, quantity, text } from './schema.ts';
import { schemaErrors } from './schemaValidation.ts';

const SCHEMA = Type.Object({
  value: text(10),
  count: int32(0, 5),
  on: flag('Whether it is on.'),
  size: Type.Optional(quantity()),
  medium: text(9, undefined, { pattern: '^(Memory|)$' }),
  scheme: text(9, undefined, { pattern: '^(HTTP|HTTPS|)$' }),
  must: Type.String(),
});

const CASES: Record<string, { reason: string; value: object; error: string }> = {
  'a number for a text': {
    reason: 'quotes are what most often lacks',
    value: { value: 8080 },
    error: 'spec.value: is 8080; it must be a text: put it in quotes, "8080"',
  },
  'a truth for a text': {
    reason: 'yes and no are no texts in YAML either',
    value: { value: true },
    error: 'spec.value: is true; it must be a text: put it in quotes, "true"',
  },
  'a map for a text': {
    reason: 'no quotes would help',
    value: { value: {} },
    error: 'spec.value: is {}; it must be a text',
  },
  'a text for a number': {
    reason: 'quotes are too many',
    value: { count: '3' },
    error: 'spec.count: is "3"; it must be a whole number from 0 to 5, without quotes',
  },
  'a word for a number': {
    reason: 'quotes are not what is wrong',
    value: { count: 'many' },
    error: 'spec.count: is "many"; it must be a whole number from 0 to 5',
  },
  'a text for a truth': {
    reason: 'quotes are too many',
    value: { on: 'true' },
    error: 'spec.on: is "true"; it must be true or false, without quotes',
  },
  'a fraction without quotes': {
    reason: 'what to write instead',
    value: { size: 0.5 },
    error: 'spec.size: is 0.5; put it in quotes, "0.5", or write 500m',
  },
  'a word that is none of two': {
    reason: 'a list says more than a pattern',
    value: { scheme: 'ftp' },
    error: 'spec.scheme: is "ftp"; it must be HTTP, HTTPS or unset',
  },
  'another word than the only one': {
    reason: 'a list says more than a pattern',
    value: { medium: 'Disk' },
    error: 'spec.medium: is "Disk"; it must be Memory or unset',
  },
  nothing: { reason: 'it is simply not there', value: { must: undefined }, error: 'spec.must: must be set' },
};

describe('errors of shape', () => {
  for (const [name, { reason, value, error }] of Object.entries(CASES)) {
    it(`${name}: ${reason}`, () => {
      const errors = schemaErrors(SCHEMA, { must: '', ...value }, 'spec');
      assert.deepEqual(
        errors.map(({ path, message }) => `${path}: ${message}`),
        [error],
      );
    });
  }

  it('reports a missing object', () => {
    assert.deepEqual(
      schemaErrors(SCHEMA, undefined, 'spec').map(({ message }) => message),
      ['must be set'],
    );
  });
});
