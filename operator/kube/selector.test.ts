import assert from 'node:assert/strict';
import { type LabelSelector, selects } from './selector.ts';

describe('selects', () => {
  const labels = { app: 'hello', tier: 'web' };
  const expression = (key: string, operator: string, ...values: string[]): LabelSelector => ({
    matchExpressions: [{ key, operator, values }],
  });
  const cases: Record<string, { selector?: LabelSelector; want: boolean; reason: string }> = {
    none: { want: false, reason: 'null selects nothing' },
    'an empty one': { selector: {}, want: true, reason: 'nothing is asked' },
    'equal labels': { selector: { matchLabels: { app: 'hello' } }, want: true, reason: 'more may be there' },
    'another value': {
      selector: { matchLabels: { app: 'hello', tier: 'db' } },
      want: false,
      reason: 'all must be equal',
    },
    In: { selector: expression('app', 'In', 'bye', 'hello'), want: true, reason: 'one of them' },
    'In, not there': { selector: expression('zone', 'In', 'a'), want: false, reason: 'no value' },
    NotIn: { selector: expression('app', 'NotIn', 'hello'), want: false, reason: 'it is one of them' },
    'NotIn, not there': {
      selector: expression('zone', 'NotIn', 'a'),
      want: true,
      reason: 'no value is none',
    },
    Exists: { selector: expression('tier', 'Exists'), want: true, reason: 'whatever its value' },
    'Exists, inherited': { selector: expression('toString', 'Exists'), want: false, reason: 'no label' },
    DoesNotExist: { selector: expression('tier', 'DoesNotExist'), want: false, reason: 'it does' },
    'labels and expressions': {
      selector: { matchLabels: { app: 'hello' }, ...expression('tier', 'DoesNotExist') },
      want: false,
      reason: 'both must fit',
    },
    'an operator that there is not': {
      selector: expression('app', 'Like', 'h'),
      want: false,
      reason: 'a newer API server may have it',
    },
  };
  for (const [name, { selector, want, reason }] of Object.entries(cases)) {
    it(`${name}: ${reason}`, () => assert.equal(selects(selector, labels), want));
  }
});
